"""Faults in the request: the document may be in order, but its path or its headers are not."""

from __future__ import annotations

from dataclasses import replace

from simulator.faults.body import OVERSIZED_BYTES
from simulator.faults.fault import Broken, Subject
from simulator.faults.gzip_bomb import gzip_of_zeros

_NO_VERSION = "9999"
#: No Glean application id looks like this, so it can only be meant as a namespace.
_NO_NAMESPACE = "Telsim_No_Such_Namespace"
_AROUND_THE_ID = (("urn:uuid:", ""), ("", ".json"), ("~", "~"), ("id=", ""))
_SHORT = 9


def bad_document_id(subject: Subject) -> Broken | None:
    """The path's document id is not a UUID. The UUID stands inside it still, so that ledgers can be compared."""
    before, after = _AROUND_THE_ID[int(subject.draws[0] * len(_AROUND_THE_ID))]
    address = subject.address
    return Broken(address=replace(address, prefix=address.prefix + before, suffix=after + address.suffix))


def wrong_version(subject: Subject) -> Broken | None:
    """A version of the document type that never was."""
    address = subject.address
    if subject.carrier == "telemetry":
        head, found, _ = address.suffix.partition("?v=")
        return Broken(address=replace(address, suffix=head + found + _NO_VERSION)) if found else None
    head, _, _ = address.prefix.rstrip("/").rpartition("/")
    return Broken(address=replace(address, prefix=f"{head}/{_NO_VERSION}/"))


def unknown_namespace(subject: Subject) -> Broken | None:
    """A namespace that nobody registered, with a version that no Glean application has."""
    address = subject.address
    _, submit, _, rest = address.prefix.split("/", 3)
    if subject.carrier == "telemetry":
        return Broken(address=replace(address, prefix=f"/{submit}/{_NO_NAMESPACE}/{rest}"))
    doctype, _, _ = rest.partition("/")
    return Broken(address=replace(address, prefix=f"/{submit}/{_NO_NAMESPACE}/{doctype}/2/"))


def wrong_content_type(subject: Subject) -> Broken | None:
    """A media type that the body does not have."""
    kinds = ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "image/png")
    return Broken(headers={"Content-Type": kinds[int(subject.draws[0] * len(kinds))]})


def not_gzip(subject: Subject) -> Broken | None:
    """`Content-Encoding: gzip` over a body that was never compressed."""
    return Broken(data=subject.text.encode(), headers={"Content-Encoding": "gzip"})


def gzip_bomb(subject: Subject) -> Broken | None:
    """Fifty kilobytes that become more than 8 MiB. Bounded: an endpoint without a limit survives it too."""
    del subject
    return Broken(data=gzip_of_zeros(OVERSIZED_BYTES), headers={"Content-Encoding": "gzip"})


def wrong_content_length(subject: Subject) -> Broken | None:
    """`Content-Length` says nine bytes, and more follow: the document is cut, the rest is no request."""
    return Broken(data=subject.text.encode(), headers={"Content-Length": str(_SHORT)})
