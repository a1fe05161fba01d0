"""Pings that hold many records: the legacy event and main pings, Glean's events and baseline pings."""
