"""Profiles: functions of the client's number; versions, clocks, layouts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import epoch_ms, utc
from simulator.population import Builds, Layout, PageContent, Tile, cohort_profiles
from simulator.population.clock_error import clock_skew_ms
from simulator.population.page import ICON_TYPES
from simulator.population.preferences import ALL_ON, OFF_SHARE, SOURCE_OF_BIT
from simulator.randomness import stream
from simulator.scenario import Scenario, parse_scenario

HEAD = 'format = 1\nname = "x"\nstart = 2021-12-15T00:00:00Z\nduration = "1d"\nclients = 100\n'


def scenario(text: str = "") -> Scenario:
    return parse_scenario(HEAD + text)


@pytest.mark.slow
@given(first=st.integers(0, 10**6), count=st.integers(1, 20), seed=st.integers(0, 2**60))
def test_a_profile_depends_on_its_number_alone(first: int, count: int, seed: int) -> None:
    together = cohort_profiles(scenario(), seed, range(first, first + count))
    alone = [cohort_profiles(scenario(), seed, range(n, n + 1))[0] for n in range(first, first + count)]
    assert together == alone


def test_nobody_shares_an_id_with_anybody() -> None:
    profiles = cohort_profiles(scenario(), 1, range(3_000))
    ids = [i for p in profiles for i in (p.client_id, p.impression_id, p.context_id, p.normandy_id)]
    assert len(set(ids)) == len(ids)


def test_shares_of_zero_and_one_are_taken_at_their_word() -> None:
    text = "[population]\nnew_profiles = 1.0\npage_takeover = 0.0\n[onboarding]\nattributed = 1.0\nreturn_to_amo = 1.0"
    for profile in cohort_profiles(scenario(text), 1, range(300)):
        assert profile.is_new
        assert profile.returns_to_amo
        assert 0 <= profile.attribution < 1
        assert profile.takeover == -1
        assert profile.clock_skew_ms == 0


def test_old_profiles_come_from_nowhere() -> None:
    for profile in cohort_profiles(scenario("[population]\nnew_profiles = 0.0"), 1, range(300)):
        assert profile.attribution == -1
        assert not profile.returns_to_amo
        assert profile.created_day < 18_976


@pytest.mark.parametrize("start", ["2021-12-15T00:00:00Z", "2019-03-01T00:00:00Z", "2030-01-01T00:00:00Z"])
def test_nobody_begins_with_a_build_that_is_yet_to_be_made(start: str) -> None:
    text = "channels = { release = 1, beta = 1, nightly = 1, aurora = 1, esr = 1 }\n"
    text += 'versions = { "95.0" = 1, "102.0" = 1 }'
    chosen = parse_scenario(HEAD.replace("2021-12-15T00:00:00Z", start) + text)
    builds, start_ms = Builds(chosen), epoch_ms(chosen.start)
    for profile in cohort_profiles(chosen, 1, range(300)):
        assert profile.build_id == builds.id_of(profile.version, profile.channel)
        assert profile.build_id <= utc(start_ms).strftime("%Y%m%d%H%M%S")
        assert builds.is_made(profile.version, profile.channel, start_ms)


@given(u=st.floats(0, 1, exclude_max=True))
def test_a_wrong_clock_is_wrong(u: float) -> None:
    assert abs(clock_skew_ms(u)) >= 1_000


def test_most_wrong_clocks_are_minutes_off_and_some_absurdly() -> None:
    skews = [abs(clock_skew_ms(i / 10_000)) for i in range(10_000)]
    assert sum(skew <= 2 * 3_600_000 + 1_000 for skew in skews) / 10_000 == pytest.approx(0.8, abs=0.03)
    # The furthest is centuries ahead, and from a start in this century still has a year of four digits.
    furthest = utc(epoch_ms(datetime(2099, 12, 31, tzinfo=UTC)) + max(skews))
    assert 9_000 < furthest.year < 10_000


def test_preferences_that_can_be_changed_have_a_bit_each() -> None:
    assert set(SOURCE_OF_BIT) <= set(OFF_SHARE)
    assert sum(OFF_SHARE) == ALL_ON


@pytest.fixture(scope="module")
def content() -> PageContent:
    return PageContent(1, sponsored_tiles=2)


def test_a_layout_counts_its_tiles(content: PageContent) -> None:
    for layout in content.layouts:
        assert len(layout.tiles) == 8
        assert sum(layout.icon_counts) == 8
        assert len(layout.icon_counts) == len(ICON_TYPES)
        assert [position for position, _ in layout.sponsored] == [0, 1]
        assert layout.without_sponsored.sponsored == ()
        assert len(layout.vendors) == layout.search_shortcuts


def test_a_new_site_goes_before_the_unpaid_and_the_last_one_goes(content: PageContent) -> None:
    layout, tile = content.layouts[0], Tile("tippytop", "pinned")
    changed = layout.prepended(tile)
    assert changed.tiles == (*layout.tiles[:2], tile, *layout.tiles[2:-1])


def test_the_nearest_tile_of_a_kind_goes_round() -> None:
    layout = Layout((Tile("tippytop", "spoc"), Tile("no_image"), Tile("tippytop", "search", "google")))
    assert layout.nearest(2, kinds=(None, "pinned")) == 1
    assert layout.nearest(0, kinds=("search",)) == 2
    assert layout.nearest(0, kinds=("pinned",)) is None


def test_pools_hold_what_clients_may_send(content: PageContent) -> None:
    for taken in content.takeovers:
        assert taken
        assert set(taken) <= {
            f"{p}_{w}" for p in ("home", "newtab") for w in ("url_category", "extension_id")
        }
    for attribution in content.attributions + content.add_on_attributions:
        assert set(attribution) <= {
            "source",
            "medium",
            "campaign",
            "content",
            "experiment",
            "variation",
            "ua",
        }
    assert all(a["source"] == "addons.mozilla.org" for a in content.add_on_attributions)
    tile = content.site(stream(1, 1, "tile"))
    assert tile.card_type is None
    assert all(story.shim is None for slate in content.plain_slates for story in slate.stories)
