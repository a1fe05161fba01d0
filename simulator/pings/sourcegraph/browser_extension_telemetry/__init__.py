"""Section "Browser extension telemetry (not native integration)"."""
