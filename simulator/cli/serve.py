"""`telsim serve`: the embedded ingestion endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Dialect = Literal["documented", "wire"]  # as in simulator.records, whose import costs too much for --help


def command(  # noqa: PLR0913, RUF100 -- one parameter an option
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for a free one.", min=0, max=65535)] = 8765,
    dialect: Annotated[Dialect, typer.Option(help="Whose schemas to validate with.")] = "documented",
    schemas: Annotated[
        Path | None, typer.Option(help="Directory of published schemas, in place of the dialect's.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="SQLite file for the pings; default: one in a new temporary directory."),
    ] = None,
    fsync: Annotated[
        bool, typer.Option("--fsync", help="Survive a power cut too: one disk flush a group.")
    ] = False,
    no_payloads: Annotated[
        bool, typer.Option("--no-payloads", help="Store what became of each ping, not the ping.")
    ] = False,
    edge: Annotated[
        bool, typer.Option("--edge", help="Answer 200 to everything routable, as the real edge does.")
    ] = False,
    path_too_long: Annotated[
        int, typer.Option(help="Status for a path over 1 KiB: 431 or 414.", min=414, max=431)
    ] = 431,
    max_body_bytes: Annotated[int, typer.Option(help="Largest body as sent.", min=1)] = 8 * 1024 * 1024,
    max_inflated_bytes: Annotated[int, typer.Option(help="Largest body after decompression.", min=1)] = 8
    * 1024
    * 1024,
    max_store_bytes: Annotated[
        int, typer.Option(help="Answer 507 when the store is this large; 0: when the disk is full.", min=0)
    ] = 0,
    faults: Annotated[bool, typer.Option("--faults", help="Allow POST /__fault__, for drills.")] = False,
    listen_anywhere: Annotated[
        bool, typer.Option("--listen-anywhere", help="Allow addresses beyond loopback.")
    ] = False,
) -> None:
    """Run the embedded ingestion endpoint until Ctrl-C or SIGTERM.

    When it is ready it prints one line: telsim endpoint listening on http://127.0.0.1:8765

    Example: telsim serve --port 0 --dialect wire --store pings.sqlite3
    """
    from simulator.endpoint.message import Limits
    from simulator.endpoint.server import announce, serve
    from simulator.endpoint.settings import Settings
    from simulator.errors import UsageError

    if path_too_long not in (414, 431):
        raise UsageError(f"--path-too-long is 431 or 414, not {path_too_long}")
    limits = Limits(body_bytes=max_body_bytes, inflated_bytes=max_inflated_bytes, path_too_long=path_too_long)
    settings = Settings(
        host=host,
        port=port,
        schemas=str(schemas or dialect),
        store=str(store or ""),
        fsync=fsync,
        payloads=not no_payloads,
        edge=edge,
        faults=faults,
        listen_anywhere=listen_anywhere,
        limits=limits,
        max_store_bytes=max_store_bytes,
    )
    raise typer.Exit(serve(settings, ready=announce))
