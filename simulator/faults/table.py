"""The table of faults. The label of a broken ping in a corpus is a name in this table.

Statuses and codes are those of an endpoint that speaks the edge protocol and validates (facts of the edge server
specification; RFC 9110; the code table of `simulator.endpoint`). What the documented dialect prints oddly is not a
fault, and is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulator.faults import body, delivery, document, request
from simulator.faults.fault import SUBMIT, Fault

_TABLE: dict[str, Fault] = {
    # in the document
    "wrong_type": Fault(
        breaks="a value has another JSON type than its schema says",
        status=400,
        codes=("wrong_type",),
        make=document.wrong_type,
    ),
    "missing_required": Fault(
        breaks="a required key is not there",
        status=400,
        codes=("missing_required",),
        make=document.missing_required,
    ),
    "unknown_enum": Fault(
        breaks="a value is none of those listed",
        status=400,
        codes=("unknown_enum",),
        make=document.unknown_enum,
    ),
    "missing_braces": Fault(
        breaks="a UUID that goes in braces has none",
        status=400,
        codes=("pattern_mismatch",),
        make=document.missing_braces,
    ),
    "extra_braces": Fault(
        breaks="a bare UUID stands in braces",
        status=400,
        codes=("pattern_mismatch",),
        make=document.extra_braces,
    ),
    "both_identities": Fault(
        breaks="client id and impression id in one ping",
        status=400,
        codes=("wrong_shape", "unknown_enum", "additional_property", "pattern_mismatch", "missing_required"),
        make=document.both_identities,
    ),
    "neither_identity": Fault(
        breaks="neither client id nor impression id",
        status=400,
        codes=("missing_required", "pattern_mismatch", "unknown_enum"),
        make=document.neither_identity,
    ),
    "oversized_string": Fault(
        breaks="a text is longer than its schema allows",
        status=400,
        codes=("wrong_length",),
        make=document.oversized_string,
    ),
    "out_of_range": Fault(
        breaks="a number is beyond its schema's limits",
        status=400,
        codes=("out_of_range",),
        make=document.out_of_range,
    ),
    # in the body
    "oversized_body": Fault(
        breaks="the body is larger than 8 MiB",
        status=413,
        codes=("body_too_large", "inflated_too_large"),
        lies="frame",
        make=body.oversized_body,
        weight=0.01,
    ),
    "truncated_json": Fault(
        breaks="the body ends early", status=400, codes=("bad_json",), lies="body", make=body.truncated_json
    ),
    "invalid_utf8": Fault(
        breaks="the body is not UTF-8", status=400, codes=("bad_utf8",), lies="body", make=body.invalid_utf8
    ),
    "nul_bytes": Fault(
        breaks="a NUL byte inside the body", status=400, codes=("bad_json",), lies="body", make=body.nul_bytes
    ),
    "duplicate_keys": Fault(
        breaks="an object has one key twice",
        status=400,
        codes=("duplicate_key",),
        make=body.duplicate_keys,
    ),
    "deep_nesting": Fault(
        breaks="2000 arrays inside one another",
        status=400,
        codes=("too_deep",),
        lies="body",
        make=body.deep_nesting,
    ),
    "empty_body": Fault(
        breaks="there is no body",
        status=400,
        codes=("empty_body", "bad_gzip"),
        lies="body",
        make=body.empty_body,
    ),
    # in the request
    "bad_document_id": Fault(
        breaks="the path's document id is not a UUID",
        status=400,
        codes=("bad_document_id",),
        lies="request",
        make=request.bad_document_id,
        carriers=SUBMIT,
    ),
    "wrong_version": Fault(
        breaks="no such version of the document type",
        status=404,
        codes=("unknown_route",),
        lies="request",
        make=request.wrong_version,
        carriers=SUBMIT,
    ),
    "unknown_namespace": Fault(
        breaks="no such namespace",
        status=404,
        codes=("unknown_route", "not_found"),
        lies="request",
        make=request.unknown_namespace,
        carriers=SUBMIT,
    ),
    "wrong_content_type": Fault(
        breaks="the media type is not the body's; the edge protocol does not look at it",
        status=200,
        codes=("ok",),
        lies="request",
        make=request.wrong_content_type,
        expect="accept",
        carriers=SUBMIT,
    ),
    "not_gzip": Fault(
        breaks="Content-Encoding says gzip, the body is plain",
        status=400,
        codes=("bad_gzip",),
        lies="request",
        make=request.not_gzip,
    ),
    "gzip_bomb": Fault(
        breaks="more than 8 MiB come out of 50 kB of gzip",
        status=413,
        codes=("inflated_too_large",),
        lies="request",
        make=request.gzip_bomb,
        weight=0.2,
    ),
    "wrong_content_length": Fault(
        breaks="Content-Length is shorter than the body",
        status=400,
        codes=("bad_json",),
        lies="frame",
        make=request.wrong_content_length,
    ),
    # in delivery
    "duplicate": Fault(
        breaks="the same ping once more",
        status=200,
        codes=("duplicate",),
        lies="delivery",
        make=delivery.duplicate,
        expect="duplicate",
        carriers=SUBMIT,
    ),
    "duplicate_id": Fault(
        breaks="another document under an id that was used",
        status=200,
        codes=("duplicate",),
        lies="delivery",
        make=delivery.duplicate_id,
        expect="duplicate",
        carriers=SUBMIT,
    ),
    "late": Fault(
        breaks="sent long after it was made",
        status=200,
        codes=("ok",),
        lies="delivery",
        make=delivery.late,
        expect="accept",
    ),
    "early": Fault(
        breaks="sent before the time that it speaks of",
        status=200,
        codes=("ok",),
        lies="delivery",
        make=delivery.early,
        expect="accept",
    ),
    "out_of_order": Fault(
        breaks="sent before the client's ping before it",
        status=200,
        codes=("ok",),
        lies="delivery",
        make=delivery.out_of_order,
        expect="accept",
    ),
    "clock_skew": Fault(
        breaks="the client's clock is days off",
        status=200,
        codes=("ok",),
        lies="delivery",
        make=delivery.clock_skew,
        expect="accept",
        carriers=SUBMIT,
    ),
}

#: Every fault by its name, which is the label of the pings that have it. Read-only; the order is that of labels.
FAULTS: Mapping[str, Fault] = MappingProxyType(_TABLE)
