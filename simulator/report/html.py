"""HTML in which text cannot become markup: everything is escaped unless it was built here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files

#: What a browser may not be given: control characters but tab and newlines, and half characters.
_NOT_HTML = dict.fromkeys((*range(9), 11, *range(14, 32), 127, *range(0xD800, 0xE000)), "\ufffd")
_VOID = frozenset({"meta", "br", "hr", "col"})


class Html(str):
    """A piece of finished HTML. Any other string is text and will be escaped."""

    __slots__ = ()


Node = Html | str | int | float | None


def element(name: str, *children: Node, **attributes: str) -> Html:
    """One element.

    Args:
        name: tag name.
        children: text (escaped) or finished HTML; None is left out.
        attributes: `cls` stands for `class`, an underscore for a hyphen; empty values are left out.
    """
    written = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Node]) -> Html:
    """Several nodes one after the other."""
    return Html("".join(_node(child) for child in children if child is not None))


def _node(child: Html | str | float) -> str:
    return child if isinstance(child, Html) else escape(str(child).translate(_NOT_HTML))


def table(head: Iterable[Node], rows: Iterable[Iterable[Node]], *, cls: str = "") -> Html:
    """A table that scrolls sideways where the screen is narrow. Cells may be finished `td` elements."""
    titles = list(head)
    top = element("thead", element("tr", *(element("th", cell, scope="col") for cell in titles)))
    body = (element("tr", *map(_cell, row)) for row in rows)
    shown = element("table", top if any(titles) else None, element("tbody", *body), cls=cls)
    return element("div", shown, cls="scroll")


def _cell(cell: Node) -> Html:
    return cell if isinstance(cell, Html) and cell.startswith("<td") else element("td", cell)


def section(title: str, *children: Node, note: str = "") -> Html:
    """A part of the page with its heading and, below it, one sentence that says how to read it."""
    return element(
        "section", element("h2", title), element("p", note, cls="note") if note else None, *children
    )


def page(title: str, *children: Node) -> str:
    """A whole document: self-contained, no script, nothing fetched, light and dark."""
    style = files("simulator.report").joinpath("style.css").read_text("utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("title", title),
        element("style", Html(style)),
    )
    return f'<!doctype html>\n<html lang="en">{head}{element("body", element("main", *children))}</html>\n'
