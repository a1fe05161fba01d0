"""Endpoint profiles: how an endpoint wants its requests and how it says what became of them. Data, not code."""

from simulator.target.profile import Target, load_target, shipped_targets, target_schema
from simulator.target.tls import tls_context, tls_findings

__all__ = ["Target", "load_target", "shipped_targets", "target_schema", "tls_context", "tls_findings"]
