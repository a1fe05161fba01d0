"""Parquet, through Arrow: typed columns that pandas, DuckDB and Spark read."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from simulator.corpus.arrow import arrow_schema, to_table
from simulator.records import Ping

_ROWS_A_GROUP = 20_000


def write_parquet(pings: Iterable[Ping], directory: Path) -> None:
    """`pings.parquet`, written group by group, so that memory does not grow with the corpus."""
    schema = arrow_schema()
    parquet = importlib.import_module("pyarrow.parquet")
    with parquet.ParquetWriter(directory / "pings.parquet", schema, compression="zstd") as writer:
        remaining = iter(pings)
        while group := list(islice(remaining, _ROWS_A_GROUP)):
            writer.write_table(to_table(group))
