"""What people do, as SimPy processes. They let time pass and tell clients facts; they never make a payload."""
