"""The table of ping types against the documents: every section is covered, every title is theirs."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.catalogue import DOCUMENTS, PingType, load_schemas, ping_types
from simulator.records import DIALECTS

# The titles of the sections that describe a ping, copied from the documents, with the number of ping types of each.
SECTIONS = {
    (1, "Page takeover ping"): 1,
    (1, "Show/hide Personalization Panel"): 2,
    (1, "Performing a search"): 1,
    (1, "Performing a search handoff"): 1,
    (1, "Clicking a top site item"): 1,
    (1, "Clicking a top story item"): 1,
    (1, "Clicking a popular topic link"): 1,
    (1, "Adding a search shortcut"): 1,
    (1, "Showing privacy information"): 1,
    (1, "Clicking on privacy information link"): 1,
    (1, "Deleting a search shortcut"): 1,
    (1, "Deleting an item from history"): 1,
    (1, "Blocking a site"): 1,
    (1, "Bookmarking a link"): 1,
    (1, "Removing a bookmark from a link"): 1,
    (1, "Opening a link in a new window"): 1,
    (1, "Opening a link in a new private window"): 1,
    (1, "Opening the new tab preferences pane"): 1,
    (1, "Closing the new tab preferences pane"): 1,
    (
        1,
        "Changing preferences from about:preferences#home or on the customize menu on the newtab page.",
    ): 1,
    (1, "Pinning a tab"): 1,
    (1, "Adding or editing a new TopSite"): 1,
    (1, "Requesting a custom screenshot preview"): 1,
    (1, "Session end pings"): 1,
    (1, "Impression stats"): 2,
    (1, "Click/block/save_to_pocket ping"): 3,
    (1, "Load more button ping"): 1,
    (1, "Click/impression ping"): 1,
    (1, "Snippets impression"): 1,
    (1, "CFR impression for all the prerelease channels and shield experiment"): 1,
    (1, "CFR impression for the release channel"): 1,
    (1, "Snippets interaction pings"): 1,
    (1, "CFR interaction pings for all the prerelease channels and shield experiment"): 1,
    (1, "CFR interaction pings for release channel"): 1,
    (1, "Targeting error pings"): 1,
    (1, "Remote Settings error pings"): 1,
    (1, "Feature Callouts interaction pings"): 1,
    (1, "Panel interaction pings"): 2,
    (1, "Moments page pings"): 2,
    (1, "InfoBar pings"): 1,
    (1, "Spotlight pings"): 1,
    (1, "Experiment reach ping"): 1,
    (1, "Experiment attribute errors"): 2,
    (1, "Onboarding impressions"): 1,
    (1, "Onboarding button clicks"): 1,
    (1, "Onboarding Return-To-AMO install ping"): 1,
    (1, "Onboarding session end ping"): 1,
    (1, "Impression ping for the sponsored TopSites"): 1,
    (1, "Click ping for the sponsored TopSites"): 1,
    (2, "Standard Events"): 1,
    (2, "Experiment Annotations"): 2,
    (3, "Action telemetry"): 1,
    (3, "Browser extension telemetry (not native integration)"): 2,
    (3, "Error logging (Sentry)"): 1,
    (4, "Event Registration and Recording"): 1,
}

ROWS = list(ping_types().values())


def test_every_section_that_describes_a_ping_has_its_types() -> None:
    assert Counter((row.seed, row.section) for row in ROWS) == SECTIONS


def test_the_table_is_read_only_and_in_the_order_of_the_documents() -> None:
    with pytest.raises(TypeError):
        ping_types()["mine"] = ROWS[0]  # type: ignore[index]
    assert next(iter(ping_types())) == "page_takeover"
    assert {row.seed for row in ROWS} <= set(DOCUMENTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_complete(row: PingType) -> None:
    assert row.dialects
    assert row.description.endswith(".")
    assert all(conflict[0] == "C" and 1 <= int(conflict[1:]) <= 46 for conflict in row.conflicts)
    carriers = {"structured", "telemetry", "glean", "graphql", "sentry"}
    assert row.carrier in carriers
    assert row.identity in {"client_id", "impression_id", "context_id", "anonymous_user_id", "none"}
    assert row.product == ("sourcegraph" if row.carrier in {"graphql", "sentry"} else "firefox")


def test_only_what_a_dialect_does_not_send_lacks_it() -> None:
    without = {(row.name, dialect) for row in ROWS for dialect in DIALECTS if dialect not in row.dialects}
    assert without == {
        ("experiment_reach", "wire"),
        ("attribute_error", "wire"),
        ("attribute_timeout", "wire"),
        ("sourcegraph_log_user_event", "documented"),  # the client's second request for the same event
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_route_has_a_schema_and_every_schema_a_ping(dialect: str) -> None:
    routes = {row.routes[dialect] for row in ROWS if dialect in row.dialects}  # type: ignore[index]
    spare = {"activity-stream/impression-stats/2"} if dialect == "wire" else set()
    assert set(load_schemas(dialect).routes) == routes | spare  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_route_of_several_types_describes_each_by_its_name(dialect: str) -> None:
    rows = [row for row in ROWS if dialect in row.dialects]
    shared = Counter(row.routes[dialect] for row in rows)  # type: ignore[index]
    schemas = load_schemas(dialect)  # type: ignore[arg-type]
    for row in rows:
        route = row.routes[dialect]  # type: ignore[index]
        if shared[route] > 1:
            assert row.name in schemas.schema(route)["$defs"], row.name
