"""Section "Top Story pings"."""
