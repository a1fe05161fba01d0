"""What goes wrong in a corpus on purpose, and how often."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.fields import DurationMs, Section, Share

#: The names in the table of `simulator.faults`, which says what each of them breaks.
FaultName = Literal[
    "wrong_type",
    "missing_required",
    "unknown_enum",
    "missing_braces",
    "extra_braces",
    "both_identities",
    "neither_identity",
    "oversized_string",
    "out_of_range",
    "oversized_body",
    "truncated_json",
    "invalid_utf8",
    "nul_bytes",
    "duplicate_keys",
    "deep_nesting",
    "empty_body",
    "bad_document_id",
    "wrong_version",
    "unknown_namespace",
    "wrong_content_type",
    "not_gzip",
    "gzip_bomb",
    "wrong_content_length",
    "duplicate",
    "duplicate_id",
    "late",
    "early",
    "out_of_order",
    "clock_skew",
]


class Faults(Section):
    """Labelled faults: `share` of all pings get one, chosen by `weights`.

    Without weights every fault that an endpoint must reject is chosen about equally often. Copies (`duplicate`,
    `duplicate_id`) come besides their originals; every other fault takes the place of the valid ping.
    """

    share: Share = 0.0
    weights: dict[FaultName, Annotated[float, Field(ge=0)]] = {}
    late: DurationMs = 6 * 3_600_000
