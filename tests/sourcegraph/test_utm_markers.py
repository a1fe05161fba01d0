"""The six links of the document's "UTM markers"."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from sourcegraph_kit import extension

from simulator.scenario.sourcegraph import UtmPlace

BLOB = "/github.example.com/a/b@main/-/blob/c.go"
COMPARE = "/github.example.com/a/b/-/compare/v1...v2"


@pytest.mark.parametrize(
    ("place", "path", "query", "documented", "later"),
    [
        (
            "global_search",
            "/search",
            "q=x",
            "/search?utm_source=chrome-extension&utm_campaign=global-search&q=x",
            {"utm_source": "chrome-extension", "utm_campaign": "global-search"},
        ),
        (
            "omnibox",
            "/search",
            "q=x",
            "/search?q=x&utm_source=omnibox",
            {"utm_source": "chrome-extension", "utm_campaign": "omnibox"},
        ),
        (
            "sign_in",
            "/sign-in",
            "close=true",
            "/sign-in?close=true&utm_source=chrome-extension",
            {"utm_source": "chrome-extension", "utm_campaign": "sign-in-button"},
        ),
        (
            "view_file",
            BLOB,
            "",
            BLOB + "?utm_source=chrome-extension",
            {"utm_source": "chrome-extension", "utm_campaign": "view-on-sourcegraph"},
        ),
        (
            "view_diff",
            COMPARE,
            "",
            COMPARE + "?utm_source=chrome-extension",
            {"utm_source": "chrome-extension", "utm_campaign": "open-diff-on-sourcegraph"},
        ),
        (
            "view_diff",
            COMPARE,
            "first=31",
            COMPARE + "?utm_source=chrome-extension&first=31",
            {"utm_source": "chrome-extension", "utm_campaign": "open-diff-on-sourcegraph"},
        ),
        (
            "view_repo",
            "/github.example.com/a/b@main",
            "",
            "/github.example.com/a/b@main?utm_source=chrome-extension",
            {"utm_source": "chrome-extension", "utm_campaign": "view-on-sourcegraph"},
        ),
    ],
)
def test_each_link_is_marked_as_the_document_says(
    place: UtmPlace, path: str, query: str, documented: str, later: dict[str, str]
) -> None:
    for dialect in ("documented", "wire"):
        assert extension(dialect)[0].link(place, path, query=query) == documented  # type: ignore[arg-type]
    link = urlsplit(extension("wire", later=True)[0].link(place, path, query=query))
    assert link.path == path
    assert dict(parse_qsl(link.query)) == {**dict(parse_qsl(query)), **later}
