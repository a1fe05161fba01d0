"""The message engine: which message, if any, a trigger shows to a client. Pure: no time passes here."""

from simulator.messaging.router import MessageRouter, Messages

__all__ = ["MessageRouter", "Messages"]
