"""`telsim export`: fixture files out of a corpus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["ndjson", "json", "parquet", "curl", "sqlite"]


def _ping_names(incomplete: str) -> list[str]:
    """Ping types, for shell completion."""
    from simulator.catalogue import ping_types

    return [name for name in ping_types() if name.startswith(incomplete)]


def _labels(incomplete: str) -> list[str]:
    """Labels, for shell completion."""
    from simulator.faults import FAULTS

    return [name for name in ("valid", *FAULTS) if name.startswith(incomplete)]


def command(  # noqa: PLR0913, RUF100 - one parameter an option
    corpus: Annotated[Path, typer.Argument(help="A corpus; `telsim generate` makes one.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the files, new or empty.")] = Path(
        "fixtures"
    ),
    *,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="ndjson: records; json: a payload a file; parquet: needs the extra; curl: a script; sqlite: SQL.",
        ),
    ] = "ndjson",
    ping: Annotated[
        list[str] | None,
        typer.Option(help="This ping type only; several times for more.", autocompletion=_ping_names),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="This label only: valid, or a fault's name.", autocompletion=_labels),
    ] = None,
    product: Annotated[list[str] | None, typer.Option(help="This product only.")] = None,
    client: Annotated[
        list[int] | None, typer.Option(help="This client's pings only.", min=0, max=99_999_999)
    ] = None,
    from_: Annotated[
        str,
        typer.Option("--from", help="Due at or after: 2021-12-15 or 2021-12-15T09:30; UTC without offset."),
    ] = "",
    to: Annotated[str, typer.Option("--to", help="Due before.")] = "",
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    one_of_each: Annotated[
        bool, typer.Option("--one-of-each", help="The first of each ping type and label.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write pings of a corpus as fixture files.

    Filters hold together; nothing that is there is overwritten.

    Example: telsim export corpus --format json --one-of-each --out fixtures
    """
    from simulator.corpus import open_corpus
    from simulator.export import Wanted, export

    wanted = Wanted(
        pings=ping or (),
        labels=label or (),
        products=product or (),
        clients=client or (),
        from_ms=_moment("--from", from_),
        to_ms=_moment("--to", to),
        limit=limit,
        one_of_each=one_of_each,
    )
    written = export(open_corpus(corpus), out, format_, wanted)
    if as_json:
        import json

        told = {"out": str(out), "format": format_, "pings": written.pings, "files": written.files}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    shown = ", ".join(written.files[:3]) + (", …" if len(written.files) > 3 else "")  # noqa: PLR2004, RUF100 - enough to see
    sys.stdout.write(f"{out}: {written.pings:,} pings in {len(written.files):,} files ({shown})\n")


def _moment(option: str, text: str) -> int | None:
    """Milliseconds since the Unix epoch of an ISO date or time."""
    from datetime import UTC, datetime

    from simulator.clock import epoch_ms
    from simulator.errors import UsageError

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text}: not a moment; write 2021-12-15 or 2021-12-15T09:30:00Z"
        ) from error
