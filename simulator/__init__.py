"""telsim: simulated people behind product telemetry, their pings, and what became of every one."""

__version__ = "0.1.0"
