"""`telsim catalogue`: every ping type, where it is specified, what it looks like and what it must be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.catalogue import PingType
    from simulator.records import Dialect


def command(
    ping: Annotated[str, typer.Argument(help="A ping type; without it, all are listed.")] = "",
    *,
    dialect: Annotated[str, typer.Option(help="documented or wire; by default the first that has it.")] = "",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of its route only.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every ping type, or show one: route, identity, section, example and schema.

    Example: telsim catalogue topsite_click --dialect wire

    The list is tab-separated where it does not go to a terminal: product, route, name, identity, section.
    """
    from simulator.catalogue import ping_types
    from simulator.errors import UsageError

    _check_dialect(dialect)
    if not ping:
        if schema:
            raise UsageError("--schema needs a ping type: telsim catalogue topsite_click --schema")
        rows = [row for row in ping_types().values() if not dialect or dialect in row.dialects]
        _show_all(rows, as_json=as_json)
        return
    row = _find(ping)
    facts = _facts(row, _dialect_of(row, dialect))
    if schema:
        _print_json(facts["schema"])
    elif as_json:
        _print_json(facts)
    else:
        _show_one(facts)


def _check_dialect(dialect: str) -> None:
    from simulator.errors import UsageError
    from simulator.records import DIALECTS

    if dialect and dialect not in DIALECTS:
        raise UsageError(f"no dialect is called {dialect!r}; there are {' and '.join(DIALECTS)}")


def _find(ping: str) -> PingType:
    from simulator.catalogue import ping_types
    from simulator.errors import UsageError

    known = ping_types()
    if ping in known:
        return known[ping]
    near = get_close_matches(ping, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`telsim catalogue` lists them all"
    raise UsageError(f"no ping type is called {ping!r}; {hint}")


def _dialect_of(row: PingType, asked: str) -> Dialect:
    from simulator.errors import UsageError

    if not asked:
        return row.dialects[0]
    for dialect in row.dialects:
        if dialect == asked:
            return dialect
    raise UsageError(f"{row.name} is not sent in the {asked} dialect: {row.description}")


def _facts(row: PingType, dialect: Dialect) -> dict[str, Any]:
    """Everything that one ping's page says, ready for JSON."""
    from simulator.catalogue import DOCUMENTS, example, load_schemas

    return {
        **_summary(row),
        "route": _routes(row),
        "carrier": row.carrier,
        "document": DOCUMENTS[row.seed],
        "conflicts": list(row.conflicts),
        "dialect": dialect,
        "example": example(row.name, dialect),
        "schema": load_schemas(dialect).schema(row.routes[dialect]),
    }


def _summary(row: PingType) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "product": row.product,
        "identity": row.identity,
        "routes": dict(row.routes),
        "section": row.section,
    }


def _show_all(rows: list[PingType], *, as_json: bool) -> None:
    if as_json:
        _print_json([_summary(row) for row in rows])
    elif sys.stdout.isatty():
        from rich.console import Console

        draw_table(rows, console=Console())
    else:
        for row in rows:
            cells = (row.product, _routes(row), row.name, row.identity, row.section)
            sys.stdout.write("\t".join(cells) + "\n")


def draw_table(rows: list[PingType], *, console: Console) -> None:
    """Draw the ping types on `console`, grouped by product and route, with the section that specifies each."""
    from rich.table import Table

    width = max(len(row.name) for row in rows)
    for group in dict.fromkeys((row.product, _routes(row)) for row in rows):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=width + 2, no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            if (row.product, _routes(row)) == group:
                table.add_row(f"  {row.name}", f"[dim]{row.section}[/dim]")
        console.print(f"\n[bold]{group[0]}[/bold]  {group[1]}", highlight=False)
        console.print(table)


def _routes(row: PingType) -> str:
    """The route, or each dialect's where they differ or one is missing."""
    routes = set(row.routes.values())
    if len(routes) == 1 and len(row.routes) > 1:
        return routes.pop()
    return ", ".join(f"{route} ({dialect})" for dialect, route in row.routes.items())


def _show_one(facts: Mapping[str, Any]) -> None:
    lines = [
        f"{facts['name']}: {facts['description']}",
        "",
        f"product    {facts['product']}, carried by {facts['carrier']}",
        f"route      {facts['route']}",
        f"identity   {_identity_rule(facts['identity'])}",
        f"specified  {facts['document']}, section “{facts['section']}”",
        f"settles    {', '.join(facts['conflicts']) or 'no conflict between document and published schema'}",
    ]
    sys.stdout.write("\n".join(lines) + f"\n\nexample ({facts['dialect']})\n")
    _print_json(facts["example"])
    sys.stdout.write(f"\nschema ({facts['dialect']}; `--schema` prints that of the whole route)\n")
    _print_json(facts["schema"].get("$defs", {}).get(facts["name"], facts["schema"]))


def _identity_rule(identity: str) -> str:
    return "none" if identity == "none" else f"{identity} alone identifies the client"


def _print_json(value: object) -> None:
    """Print JSON: in colour on a terminal, plain text otherwise, so that it can be piped."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print_json(text)
    else:
        sys.stdout.write(text + "\n")
