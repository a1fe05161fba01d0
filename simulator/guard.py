"""Which hosts a load may go to. A load generator is a weapon pointed by accident; this is the safety catch.

Loopback is always allowed. Any other host must be named with `--allow-host`. Known production collectors are
refused whatever the options say (`production_hosts.toml`). The name is resolved once; the address it gave is
checked and then used for the whole run, so that nothing can be pointed elsewhere in the middle of it.
"""

from __future__ import annotations

import ipaddress
import socket
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlsplit

from simulator.errors import EndpointError, RefusedError, UsageError

#: `socket.getaddrinfo`, or a test's stand-in.
Resolver = Callable[..., Sequence[tuple[object, object, object, str, tuple[object, ...]]]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a run sends to: one address, resolved, checked and pinned.

    Args:
        scheme: `http` or `https`.
        host: the name as the user gave it, lower case, without brackets; for the Host header and TLS.
        port: TCP port.
        address: IP address that every connection of the run goes to.
        base_path: path in front of every request path, without a slash at its end.
        others: further addresses of the name, which will do where nobody listens at the first.
    """

    scheme: str
    host: str
    port: int
    address: str
    base_path: str
    others: tuple[str, ...] = ()

    @property
    def netloc(self) -> str:
        """Host and port as the Host header wants them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, without anything secret."""
        return f"{self.scheme}://{self.netloc}{self.base_path}"


def hosts_named(given: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The hosts that may be loaded: those of `--allow-host`, or where nobody gave it those of `TELSIM_ALLOW_HOST`.

    Args:
        given: values of the option; each may be several names with commas between them.
        environ: the environment.
    """
    texts = given or [environ.get("TELSIM_ALLOW_HOST", "")]
    return tuple(name for text in texts for name in text.split(",") if name.strip())


@dataclass(frozen=True, slots=True)
class RefusedHost:
    """A production collector and why nobody may send a load to it."""

    host: str
    reason: str


def refused_hosts() -> tuple[RefusedHost, ...]:
    """The production collectors that are always refused."""
    text = files("simulator").joinpath("production_hosts.toml").read_text(encoding="utf-8")
    return tuple(RefusedHost(entry["host"], entry["reason"]) for entry in tomllib.loads(text)["refused"])


def admit(
    url: str, allow_hosts: Iterable[str] = (), *, resolver: Resolver = socket.getaddrinfo
) -> Destination:
    """Decides whether a load may go to `url`, and to which address.

    Args:
        url: base URL as the user gave it.
        allow_hosts: names given with `--allow-host`.
        resolver: `socket.getaddrinfo` or a stand-in with the same signature.

    Raises:
        UsageError: `url` is not an http or https URL with a host.
        RefusedError: the host is a production collector, or is not loopback and was not allowed by name.
        EndpointError: the name does not resolve.
    """
    scheme, host, port, base_path = _parts(url)
    _refuse_production([host])
    addresses, canonical = _resolve(host, port, resolver)
    _refuse_production([canonical])
    address, may_leave = addresses[0], host in {_plain(name) for name in allow_hosts}
    if not (may_leave or _is_loopback(address)):
        shown = host if host == address else f"{host} ({address})"
        raise RefusedError(
            f"{shown} is not on this machine, so nothing was sent. "
            f"If the load may really go there, repeat with --allow-host {host}"
        )
    others = tuple(other for other in addresses[1:] if may_leave or _is_loopback(other))
    return Destination(scheme, host, port, address, base_path, others)


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        split = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise UsageError(f"--host is no URL: {error}") from error
    try:
        port = split.port
        if port == 0:  # which would be taken for none, and the load go to the scheme's own port
            raise ValueError("port 0 is no port to connect to")
    except ValueError as error:
        raise UsageError(f"--host: the port is not a number from 1 to 65535 ({error})") from error
    if split.scheme not in _DEFAULT_PORTS or not split.hostname:
        raise UsageError("--host must look like http://127.0.0.1:8765 or https://name/base/path")
    if split.username is not None or split.password is not None:
        raise UsageError(
            "--host must not hold a user name or password; put credentials into a target's headers"
        )
    if split.query or split.fragment:
        raise UsageError("--host must not hold a query or fragment; it is the base of every request's path")
    return split.scheme, _plain(split.hostname), port or _DEFAULT_PORTS[split.scheme], split.path.rstrip("/")


def _plain(host: str) -> str:
    bare = host.strip().strip("[]").rstrip(".").lower()
    try:
        return bare if ":" in bare else bare.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise UsageError(f"{host!r} is not a host name") from error


def _refuse_production(names: Iterable[str]) -> None:
    for name in names:
        for refused in refused_hosts():
            if name == refused.host or name.endswith("." + refused.host):
                raise RefusedError(
                    f"{name} is refused always, --allow-host or not: {refused.reason}. "
                    "Start an endpoint of your own instead: telsim serve"
                )


def _resolve(host: str, port: int, resolver: Resolver) -> tuple[list[str], str]:
    try:
        found = resolver(host, port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except OSError as error:
        raise EndpointError(f"the host {host} does not resolve: {error}") from error
    # A name such as `localhost` has several addresses; the first IPv4 one is the one that servers listen at.
    addresses = sorted({str(entry[4][0]): None for entry in found}, key=lambda address: ":" in address)
    if not addresses:
        raise EndpointError(f"the host {host} does not resolve")
    canonical = next((_plain(entry[3]) for entry in found if entry[3]), host)
    return addresses, canonical


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
