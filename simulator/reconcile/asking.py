"""What a server keeps about a run, asked for by GET: its ledger, its metrics.

A user's URL may hold credentials, in front of the host or in the query; neither reaches a message or a report.

httpx is imported by whoever asks: it costs a quarter of a second, which runs without a ledger need not wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulator.errors import UsageError
from simulator.target import Target, tls_context

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks servers.

    Args:
        host: base URL of the endpoint that was replayed to; empty: unknown.
        target: its profile, whose `[tls]` table holds for that host and no other; None: the usual TLS.
    """

    host: str = ""
    target: Target | None = None

    def client(self, url: str, *, timeout_s: float) -> httpx.Client:
        """A client for requests to `url`. Proxies of the environment are not asked.

        Raises:
            TargetError: the target's certificate files cannot be used.
            UsageError: `url` is none.
        """
        import httpx

        own = _host_of(url) == _host_of(self.host) and url.lower().startswith("https:")
        verify = tls_context(self.target) if own and self.target is not None else True
        return httpx.Client(trust_env=False, timeout=timeout_s, verify=verify)


def shown(url: str) -> str:
    """A URL as it may be printed: without credentials, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def trouble(error: Exception) -> str:
    """What went wrong with a request, in words that hold no URL."""
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, httpx.InvalidURL):
        return "that is no URL"
    return str(error) or type(error).__name__


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError as error:
        raise UsageError(f"a ledger's or metrics' URL cannot be read: {error}") from error
