"""The embedded ingestion endpoint: a pure `receive(request) -> receipt`, a thin server, a durable store."""

from simulator.endpoint.message import Limits
from simulator.endpoint.process import EndpointProcess
from simulator.endpoint.settings import Settings

__all__ = ["EndpointProcess", "Limits", "Settings"]
