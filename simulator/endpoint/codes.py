"""One short code for each way a ping can end: the same in the answer's body, the metrics and the ledger."""

from __future__ import annotations

from collections.abc import Mapping

OK = "ok"
DUPLICATE = "duplicate"

#: Code to HTTP status and one sentence for a person. A code of the schemas (`missing_required`, `wrong_type`, ...)
#: is not listed: it always means 400, and its sentence names the place in the document (`documents.why`).
#: Statuses: facts/FIREFOX.md section 3.3, RFC 9110, RFC 6585.
TABLE: Mapping[str, tuple[int, str]] = {
    OK: (200, "accepted"),
    DUPLICATE: (200, "this document id was accepted before; counted, not stored again"),
    # the request line and headers
    "not_found": (404, "no such path; a trailing slash makes another path"),
    "unknown_route": (404, "no schema for this namespace, document type and version"),
    "method_not_allowed": (405, "this path takes other methods"),
    "length_required": (411, "give Content-Length, or send the body in chunks"),
    "body_too_large": (413, "the body is larger than this endpoint takes"),
    "path_too_long": (431, "path too long"),
    "header_too_large": (431, "header too large"),
    "bad_document_id": (400, "the document id is not a UUID (8-4-4-4-12 hexadecimal digits)"),
    # the body
    "body_timeout": (408, "the body did not arrive in time"),
    "body_cut": (400, "the body is shorter than its Content-Length"),
    "bad_chunks": (400, "the body is not well chunked"),
    "unsupported_encoding": (400, "the only Content-Encoding known here is gzip"),
    "bad_gzip": (400, "the body is not whole gzip data"),
    "inflated_too_large": (413, "the body is too large after decompression"),
    "empty_body": (400, "the body is empty"),
    "bad_utf8": (400, "the body is not UTF-8"),
    "bad_json": (400, "the body is not JSON"),
    "too_deep": (400, "the JSON is nested too deeply"),
    "duplicate_key": (400, "an object has the same key twice"),
    "wrong_shape": (400, "the document does not have the shape of this carrier"),
    # batches
    "bad_item": (400, "a batch item is an object with a body and either id and route or a path"),
    # GraphQL (answered with status 200 and an errors array on its own carrier)
    "bad_graphql": (400, "the GraphQL request is not valid"),
    # trouble of ours; the client may try again, and the ping is in no ledger
    "overloaded": (503, "too much is waiting to be stored; try again"),
    "too_many_connections": (503, "too many connections; try again"),
    "disk_full": (507, "no space left to store the ping; try again later"),
    "store_error": (500, "the store failed; try again later"),
    "internal_error": (500, "a fault of ours; please report it"),
    "fault": (500, "a fault was asked for"),
}


def status_of(code: str) -> int:
    """The HTTP status of `code`; 400 for the codes of the schemas."""
    known = TABLE.get(code)
    return known[0] if known else 400


def message_of(code: str) -> str:
    """One sentence about `code` for a person; the code itself where only its place in the document says more."""
    known = TABLE.get(code)
    return known[1] if known else code
