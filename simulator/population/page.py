"""What new tabs show: layouts of top sites, slates of stories, advertisers. Drawn once a scenario, from pools.

Faker supplies the names and addresses; nothing here is drawn while people are simulated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import quote

from simulator.distributions import Choice
from simulator.population.words import Words
from simulator.randomness import Stream, stream

ICON_TYPES: Final = (
    "custom_screenshot",
    "screenshot_with_icon",
    "screenshot",
    "tippytop",
    "rich_icon",
    "no_image",
)
SEARCH_VENDORS: Final = ("google", "amazon", "bing", "duckduckgo", "wikipedia")

_TILES_IN_A_ROW = 8
_STORIES_IN_A_SLATE = 21
_SPONSORED_STORIES_AT = (2, 5, 11)
_ADVERTISERS = 24
_LAYOUTS = 96
_SLATES = 48

# How tiles get their pictures and kinds. Assumption: no public figure was found.
_ICON_SHARES = {
    "tippytop": 0.38,
    "rich_icon": 0.3,
    "screenshot_with_icon": 0.17,
    "screenshot": 0.08,
    "no_image": 0.05,
    "custom_screenshot": 0.02,
}
_PINNED, _SEARCH = 0.12, 0.08
_TAKEOVERS, _ATTRIBUTIONS = 48, 24
_CATEGORY = Choice(
    {
        "search-engine": 0.35,
        "search-engine-mozilla-tag": 0.1,
        "search-engine-other-tag": 0.1,
        "news-portal": 0.12,
        "ecommerce": 0.05,
        "social-media": 0.08,
        "known-hijacker": 0.05,
        "other": 0.15,
    }
)
_SOURCES = (
    ("www.mozilla.org", "referral"),
    ("google", "organic"),
    ("google", "cpc"),
    ("bing", "organic"),
    ("(direct)", "(none)"),
)


@dataclass(frozen=True, slots=True)
class Advertiser:
    """Who pays for a sponsored tile."""

    name: str
    tile_id: int
    impression_url: str
    click_url: str


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One top site: how its picture is made, and what kind of tile it is (None: an ordinary site)."""

    icon_type: str
    card_type: str | None = None
    search_vendor: str | None = None
    advertiser: Advertiser | None = None


class Layout:
    """The top sites of one client, in order. Never changed; `replaced` makes another."""

    def __init__(self, tiles: tuple[Tile, ...]) -> None:
        self.tiles = tiles

    @cached_property
    def icon_counts(self) -> tuple[int, ...]:
        """How many tiles have each of `ICON_TYPES`."""
        counted = Counter(tile.icon_type for tile in self.tiles)
        return tuple(counted[icon] for icon in ICON_TYPES)

    @cached_property
    def pinned(self) -> int:
        """How many tiles are pinned."""
        return sum(tile.card_type == "pinned" for tile in self.tiles)

    @cached_property
    def search_shortcuts(self) -> int:
        """How many tiles are search shortcuts."""
        return sum(tile.card_type == "search" for tile in self.tiles)

    @cached_property
    def sponsored(self) -> tuple[tuple[int, Tile], ...]:
        """Positions and tiles that somebody pays for."""
        return tuple((position, tile) for position, tile in enumerate(self.tiles) if tile.advertiser)

    @cached_property
    def vendors(self) -> tuple[str, ...]:
        """The engines that have a search shortcut here."""
        return tuple(tile.search_vendor for tile in self.tiles if tile.search_vendor)

    @cached_property
    def without_sponsored(self) -> Layout:
        """The layout of somebody who switched sponsored tiles off."""
        return Layout(tuple(Tile(tile.icon_type) if tile.advertiser else tile for tile in self.tiles))

    def replaced(self, position: int, tile: Tile) -> Layout:
        """The same layout with another tile at a position."""
        return Layout((*self.tiles[:position], tile, *self.tiles[position + 1 :]))

    def prepended(self, tile: Tile) -> Layout:
        """The same layout with a tile before those that nobody pays for; the last one makes room."""
        paid = len(self.sponsored)
        return Layout((*self.tiles[:paid], tile, *self.tiles[paid:-1]))

    def nearest(self, position: int, *, kinds: tuple[str | None, ...]) -> int | None:
        """The position of the first tile of certain kinds from a position on, going round; None if there is none."""
        count = len(self.tiles)
        for step in range(count):
            at = (position + step) % count
            if self.tiles[at].card_type in kinds:
                return at
        return None


@dataclass(frozen=True, slots=True)
class Story:
    """One recommended article; `shim` is the ad server's token of a sponsored one."""

    id: int
    shim: str | None = None


@dataclass(frozen=True, slots=True)
class Slate:
    """The stories that a new tab recommends at one time, in order."""

    number: int
    stories: tuple[Story, ...]


class PageContent:
    """The pools that a scenario's new tabs show, the same for every worker.

    Args:
        seed: the corpus's seed.
        sponsored_tiles: how many sponsored tiles a layout has, 0 to 2.
    """

    def __init__(self, seed: int, *, sponsored_tiles: int) -> None:
        random = stream(seed, 0, "page content")
        words = Words(seed, "faker")
        self.advertisers = [_advertiser(words, random, number) for number in range(_ADVERTISERS)]
        self._icon = Choice(_ICON_SHARES)
        self.layouts = [self._layout(random, sponsored_tiles) for _ in range(_LAYOUTS)]
        self.takeovers = [_takeover(words, random) for _ in range(_TAKEOVERS)]
        self.attributions = [_attribution(words, random) for _ in range(_ATTRIBUTIONS)]
        self.add_on_attributions = [_add_on_attribution(words) for _ in range(_ATTRIBUTIONS)]
        self.slates = [_slate(random, number, sponsored=True) for number in range(_SLATES)]
        self.plain_slates = [
            Slate(slate.number + _SLATES, tuple(Story(story.id) for story in slate.stories))
            for slate in self.slates
        ]

    def tile(self, random: Stream) -> Tile:
        """A tile that nobody pays for."""
        icon = self._icon(random.uniform())
        kind = random.uniform()
        if kind < _PINNED:
            return Tile(icon, "pinned")
        if kind < _PINNED + _SEARCH:
            vendor = SEARCH_VENDORS[int(random.uniform() * len(SEARCH_VENDORS))]
            return Tile("tippytop", "search", vendor)
        return Tile(icon)

    def site(self, random: Stream) -> Tile:
        """An ordinary site: neither pinned nor a search engine."""
        return Tile(self._icon(random.uniform()))

    def _layout(self, random: Stream, sponsored_tiles: int) -> Layout:
        paid = [
            Tile(
                "tippytop", "spoc", advertiser=self.advertisers[int(random.uniform() * len(self.advertisers))]
            )
            for _ in range(sponsored_tiles)
        ]
        return Layout((*paid, *(self.tile(random) for _ in range(_TILES_IN_A_ROW - sponsored_tiles))))


def _advertiser(words: Words, random: Stream, number: int) -> Advertiser:
    host = f"{words.domain_word()}.example"  # reserved names (RFC 2606): nobody is named by accident
    token = quote(f"{words.letters(40)}={words.letters(24)}", safe="")
    return Advertiser(
        name=host.split(".", maxsplit=1)[0],
        tile_id=40 + number,
        impression_url=f"https://{host}/static?id={token}",
        click_url=f"https://{host}/ctp?version=16.0.0&key={1_598_991_514_900_100_001 + int(random.uniform() * 1e9)}"
        f"&ci={random.uuid()}&ctag={number}",
    )


def _takeover(words: Words, random: Stream) -> Mapping[str, str]:
    """What has replaced Firefox's own pages: home, new tab or both, by a site or by an extension."""
    which = random.uniform()
    parts = ("home",) if which < 0.4 else ("newtab",) if which < 0.75 else ("home", "newtab")
    taken: dict[str, str] = {}
    for part in parts:
        if random.uniform() < 0.7:
            taken[f"{part}_url_category"] = _CATEGORY(random.uniform())
        if random.uniform() < 0.5 or f"{part}_url_category" not in taken:
            taken[f"{part}_extension_id"] = f"{words.domain_word()}@{words.domain_word()}.example"
    return taken


def _attribution(words: Words, random: Stream) -> Mapping[str, str]:
    """Where a download came from, in the keys that clients may send."""
    source, medium = _SOURCES[int(random.uniform() * len(_SOURCES))]
    attribution = {"source": source, "medium": medium, "campaign": f"{words.word()}-{words.word()}".title()}
    if random.uniform() < 0.4:
        attribution |= {"experiment": "ua-onboarding", "variation": "chrome", "ua": "chrome"}
    attribution.setdefault("ua", ("firefox", "chrome", "edge")[int(random.uniform() * 3)])
    attribution["content"] = f"{words.word()}-{words.word()}"
    return attribution


def _add_on_attribution(words: Words) -> Mapping[str, str]:
    return {
        "source": "addons.mozilla.org",
        "medium": "referral",
        "campaign": "non-fx-button",
        "content": f"{words.word()}@{words.domain_word()}.example",
        "ua": "chrome",
    }


def _slate(random: Stream, number: int, *, sponsored: bool) -> Slate:
    stories = []
    for position in range(_STORIES_IN_A_SLATE):
        story_id = 10_000 + int(random.uniform() * 90_000)
        shim = None
        if sponsored and position in _SPONSORED_STORIES_AT:
            shim = random.uuid().replace("-", "") + "," + random.uuid().replace("-", "/")
        stories.append(Story(story_id, shim))
    return Slate(number, tuple(stories))
