"""The secure proxy's events ("Secure-Proxy telemetry events"): records under `dynamic` in the event ping."""
