"""Section "Firefox Onboarding (about:welcome) pings"."""
