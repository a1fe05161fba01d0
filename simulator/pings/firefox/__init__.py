"""Firefox: new tab pages and the messaging system ("Metrics we collect", data_events.md)."""
