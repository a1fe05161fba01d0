"""Section "User event pings": one module for each type of interaction."""
