"""The kinds of values that scenario files are made of: shares, rates, durations, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")


class Section(BaseModel):
    """A table of a scenario file. Unknown keys are errors: a misspelt rate must never be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_duration_ms(value: Any) -> Any:
    """Milliseconds of a duration such as `90s`, `1h 30m` or `1d`.

    Raises:
        ValueError: not a duration.
    """
    if not isinstance(value, str):
        raise ValueError('a duration is a string such as "90s", "1h 30m" or "1d"')
    position, total_ms = 0, 0.0
    while match := _DURATION.match(value, position):
        total_ms += float(match[1]) * _UNITS_MS[match[2]]
        position = match.end()
    if position != len(value) or not value.strip():
        raise ValueError(f'{value!r} is not a duration; write it like "90s", "1h 30m" or "1d"')
    return round(total_ms)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _positive_total(weights: dict[str, float]) -> dict[str, float]:
    if sum(weights.values()) <= 0:
        raise ValueError("at least one weight must be above 0")
    return weights


#: A part of a whole, 0 to 1.
Share = Annotated[float, Field(ge=0, le=1)]
#: How likely something is each time it could happen, 0 to 1.
Probability = Annotated[float, Field(ge=0, le=1)]
#: How often, on average; the section says by what (a day, a visit).
Rate = Annotated[float, Field(ge=0, le=100_000)]
#: Relative weights by name; they need not add up to one.
Weights = Annotated[dict[str, Annotated[float, Field(ge=0)]], AfterValidator(_positive_total)]
#: A duration in milliseconds, written as text with units.
DurationMs = Annotated[
    int,
    BeforeValidator(parse_duration_ms),
    WithJsonSchema({"type": "string", "examples": ["90s", "1h 30m", "1d"]}),
]
#: A moment; without an offset it is UTC.
Moment = Annotated[datetime, AfterValidator(_in_utc)]
