"""Where tables are printed: colours and rules only on a terminal, and never so narrow that figures are cut off."""

from __future__ import annotations

from rich.console import Console

_PLAIN_WIDTH = 110
_LEAST_WIDTH = 80


def console_for_tables(console: Console | None) -> Console:
    """The console itself, or one without colours where it is no terminal.

    A narrower terminal than 80 columns breaks the lines of a table itself, which is ugly; Rich would leave out what
    stands in its columns.

    Args:
        console: where to print to; default: standard output.
    """
    out = console or Console(highlight=False)
    if not out.is_terminal:
        return Console(file=out.file, width=_PLAIN_WIDTH, highlight=False, color_system=None)
    out.width = max(out.width, _LEAST_WIDTH)
    return out
