"""Section "Activity Stream Router pings"."""
