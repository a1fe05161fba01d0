"""A corpus as columns: for Arrow, for Parquet, for a DataFrame."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simulator.clock import utc
from simulator.errors import UsageError
from simulator.records import Ping

if TYPE_CHECKING:
    import pyarrow as pa


def columns(pings: Iterable[Ping]) -> dict[str, list[Any]]:
    """Records as columns. `body` is the payload's JSON text; what is not JSON stands in `body_bytes`."""
    rows = [
        (
            ping.id,
            utc(ping.due_ms),
            ping.client,
            ping.ping,
            ping.product,
            ping.route,
            ping.label,
            ping.expect,
            ping.method,
            ping.path,
            list(ping.headers.items()),
            bytes(ping.body).decode() if ping.body else None,
            None if ping.body else ping.payload(),
        )
        for ping in pings
    ]
    values = map(list, zip(*rows, strict=True)) if rows else ([] for _ in _NAMES)
    return dict(zip(_NAMES, values, strict=True))


_NAMES = (
    "id",
    "due",
    "client",
    "ping",
    "product",
    "route",
    "label",
    "expect",
    "method",
    "path",
    "headers",
    "body",
    "body_bytes",
)


def arrow_schema() -> pa.Schema:
    """The columns' types. Raises UsageError where the extra `parquet` is not installed."""
    arrow = _pyarrow()
    names = arrow.dictionary(arrow.int32(), arrow.string())
    types = {
        "due": arrow.timestamp("ms", tz="UTC"),
        "client": arrow.uint32(),
        **dict.fromkeys(("ping", "product", "route", "label", "expect", "method"), names),
        "headers": arrow.map_(arrow.string(), arrow.string()),
        "body_bytes": arrow.binary(),
    }
    return arrow.schema([(name, types.get(name, arrow.string())) for name in _NAMES])


def to_table(pings: Iterable[Ping]) -> pa.Table:
    """Records as an Arrow table. Raises UsageError where the extra `parquet` is not installed."""
    schema = arrow_schema()
    return _pyarrow().Table.from_pydict(columns(pings), schema=schema)


def to_frame(pings: Iterable[Ping]) -> Any:
    """Records as a pandas DataFrame. Raises UsageError where pandas is not installed."""
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise UsageError("a DataFrame needs pandas: pip install pandas") from error
    return pandas.DataFrame(columns(pings))


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise UsageError("Arrow and Parquet need the extra: pip install 'telsim[parquet]'") from error
