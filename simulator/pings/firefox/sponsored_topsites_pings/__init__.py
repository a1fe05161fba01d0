"""Section "Sponsored TopSites pings"."""
