"""Section "Save to Pocket button pings"."""
