"""The heads of requests: request line and headers."""

from __future__ import annotations

from simulator.tape.spec import TapeSpec

_CRLF = b"\r\n"
#: Names the record where neither path nor payload does, so that an endpoint's ledger can tell pings apart.
RECORD_ID = b"X-Telsim-Record-Id: "
HEAD_END = b"\r\n\r\n"
#: Stands last, where a request made of parts of another one can replace it.
LENGTH = b"Content-Length: "
_FRAMING = ("content-length", "transfer-encoding")


class Heads:
    """Writes heads; what all requests of a carrier share is put together once.

    Args:
        spec: endpoint, headers and carriers.
    """

    def __init__(self, spec: TapeSpec) -> None:
        self._target = spec.target
        common = {"Host": spec.netloc, "User-Agent": spec.user_agent, "X-Source-Tags": "automation"}
        self._common = {**common, **spec.headers}
        self._known: dict[tuple[int, bool], bytes] = {}

    def head(
        self,
        method: bytes,
        path: bytes,
        length: int,
        *,
        packed: bool,
        carrier: int,
        own: dict[str, str],
        named: bytes,
    ) -> bytes:
        """One request's head.

        Args:
            method: of the request line.
            path: of the request line.
            length: of the body.
            packed: whether the body is compressed.
            carrier: position of the carrier in the target.
            own: headers of this one ping, which win over all others.
            named: id to put into a header of its own; empty: none.
        """
        if own:
            fixed = self._lines(carrier, packed=packed, own=own)
        elif (known := self._known.get((carrier, packed))) is not None:
            fixed = known
        else:
            fixed = self._known[carrier, packed] = self._lines(carrier, packed=packed, own={})
        start = b"%b %b HTTP/1.1\r\n%b" % (method, path, fixed)
        if named:
            start += RECORD_ID + named + _CRLF
        if own and any(name.lower() in _FRAMING for name in own):
            return start + _CRLF
        return b"%b%b%d%b" % (start, LENGTH, length, HEAD_END)

    def _lines(self, carrier: int, *, packed: bool, own: dict[str, str]) -> bytes:
        target = self._target
        headers = dict(self._common)
        if target.envelope is not None:
            headers["Content-Type"] = target.envelope.content_type
        else:
            headers["Content-Type"] = target.carrier[carrier].content_type
            headers.update(target.carrier[carrier].headers)
        if packed:
            headers["Content-Encoding"] = "gzip"
        names = {name.lower(): name for name in headers}
        for name, value in own.items():
            headers.pop(names.get(name.lower(), ""), None)
            headers[name] = value
        lines = [name.encode() + b": " + value.encode("utf-8", "replace") for name, value in headers.items()]
        return _CRLF.join(lines) + _CRLF
