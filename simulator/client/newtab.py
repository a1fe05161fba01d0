"""The new tab's sender (TelemetryFeed): sessions of about:home and about:newtab, and what is done on them.

It is told that a page opened, what was clicked, that the page was left; it decides which pings that makes. Every
ping is sent at once; only impressions and loaded content wait for the end of their session.
"""

from __future__ import annotations

from simulator.client.installation import Installation
from simulator.client.outbox import Outbox
from simulator.pings.firefox.basic_metadata import user_event_metadata
from simulator.pings.firefox.session_end_pings import (
    Performance,
    newtab_session,
    performance,
    topsites_statistics,
)
from simulator.pings.firefox.sponsored_topsites_pings.click_ping_for_the_sponsored_topsites import (
    sponsored_topsite_click,
)
from simulator.pings.firefox.sponsored_topsites_pings.impression_ping_for_the_sponsored_topsites import (
    sponsored_topsite_impression,
)
from simulator.pings.firefox.sponsored_topsites_pings.sponsored_metadata import (
    sponsored_metadata,
    sponsored_tile,
)
from simulator.pings.firefox.top_story_pings.click_block_save_to_pocket_ping import story_click_stats
from simulator.pings.firefox.top_story_pings.impression_metadata import impression_metadata, tiles_list
from simulator.pings.firefox.top_story_pings.impression_stats import (
    story_impression_stats,
    story_loaded_content,
)
from simulator.pings.firefox.user_event_pings.blocking_a_site import tile_block
from simulator.pings.firefox.user_event_pings.clicking_a_top_site_item import topsite_click
from simulator.pings.firefox.user_event_pings.clicking_a_top_story_item import topstory_click
from simulator.pings.firefox.user_event_pings.performing_a_search import newtab_search
from simulator.pings.firefox.user_event_pings.performing_a_search_handoff import newtab_search_handoff
from simulator.pings.firefox.user_event_pings.tile_value import tile_value
from simulator.population import Layout, PageContent, Slate, Tile
from simulator.population.preferences import SPONSORED_STORIES, SPONSORED_TOP_SITES, TOP_SITES, TOP_STORIES
from simulator.randomness import Stream

_SLATE_LASTS_MS = 30 * 60_000


class NewTabTexts:
    """What all new tabs of a cohort share: kind codes, and fragments that depend on a tile or a slate alone."""

    def __init__(self, outbox: Outbox, content: PageContent) -> None:
        self.dialect = outbox.dialect
        self.outbox = outbox
        self.content = content
        self.session = outbox.structured("newtab_session")
        self.search = outbox.structured("newtab_search")
        self.search_handoff = outbox.structured("newtab_search_handoff")
        self.topsite_click = outbox.structured("topsite_click")
        self.topstory_click = outbox.structured("topstory_click")
        self.tile_block = outbox.structured("tile_block")
        self.story_impression_stats = outbox.structured("story_impression_stats")
        self.story_loaded_content = outbox.structured("story_loaded_content")
        self.story_click_stats = outbox.structured("story_click_stats")
        self.sponsored_impression = outbox.structured("sponsored_topsite_impression")
        self.sponsored_click = outbox.structured("sponsored_topsite_click")
        self._tile_values: dict[Tile, str] = {}
        self._statistics: dict[Layout, str] = {}
        self._sponsored: dict[Layout, list[str]] = {}
        self._tiles: dict[tuple[int, int], str] = {}

    def tile_value(self, tile: Tile) -> str:
        """The `value` of events about a tile."""
        text = self._tile_values.get(tile)
        if text is None:
            text = self._tile_values[tile] = tile_value(
                self.dialect,
                icon_type=tile.icon_type,
                card_type=tile.card_type,
                search_vendor=tile.search_vendor,
            )
        return text

    def statistics(self, layout: Layout) -> str:
        """The tile counters of a session's `perf`."""
        text = self._statistics.get(layout)
        if text is None:
            text = self._statistics[layout] = topsites_statistics(
                layout.icon_counts, pinned=layout.pinned, search_shortcuts=layout.search_shortcuts
            )
        return text

    def sponsored_tiles(self, layout: Layout) -> list[str]:
        """The fragments of a layout's sponsored tiles for impression pings."""
        texts = self._sponsored.get(layout)
        if texts is None:
            texts = self._sponsored[layout] = [
                sponsored_tile(
                    advertiser=tile.advertiser.name,
                    tile_id=tile.advertiser.tile_id,
                    position=position + 1,
                    reporting_url=tile.advertiser.impression_url,
                )
                for position, tile in layout.sponsored
                if tile.advertiser
            ]
        return texts

    def tiles(self, slate: Slate, count: int) -> str:
        """The `tiles` list of the first stories of a slate."""
        text = self._tiles.get((slate.number, count))
        if text is None:
            text = self._tiles[slate.number, count] = tiles_list(
                [story.id for story in slate.stories[:count]], positions=self.dialect == "wire"
            )
        return text


class NewTabSender:
    """One installation's new tab telemetry.

    Args:
        installation: whose.
        texts: shared by the cohort.
        random: for session ids and for how long pages take to come up.
    """

    __slots__ = (
        "_append",
        "_home_seen_in_run",
        "_last_open_ms",
        "_metadata",
        "_perf",
        "_random",
        "_session_id",
        "_slate",
        "_stories_seen",
        "_texts",
        "_visible_ms",
        "installation",
        "layout",
        "page",
    )

    def __init__(self, installation: Installation, texts: NewTabTexts, random: Stream) -> None:
        self.installation = installation
        self._texts = texts
        self._random = random
        self._append = texts.outbox.rows.append
        content = texts.content
        layouts = content.layouts if installation.user_prefs & SPONSORED_TOP_SITES else content.plain_layouts
        self.layout = layouts[int(installation.profile.layout_number * len(layouts))]
        self.page = ""
        self._metadata = ""
        self._session_id = ""
        self._visible_ms = 0
        self._perf = ""
        self._slate = content.slates[0]
        self._stories_seen = 0
        self._home_seen_in_run = 0
        self._last_open_ms = 0

    @property
    def is_open(self) -> bool:
        """Whether a page is on the screen."""
        return bool(self.page)

    def open_page(
        self, now_ms: int, page: str, *, asked_ms: int | None, preloaded: bool, stories_seen: int
    ) -> None:
        """A page became visible: a session begins.

        Args:
            now_ms: when it became visible.
            page: its URL.
            asked_ms: when the user asked for a new tab (None for about:home).
            preloaded: whether it had been loaded in the background.
            stories_seen: how many stories come to be on the screen before it is left.
        """
        installation, texts = self.installation, self._texts
        prefs = installation.user_prefs
        self.page = page
        self._session_id = session_id = self._random.uuid()
        self._visible_ms = now_ms
        self._metadata = user_event_metadata(
            texts.dialect,
            installation.app,
            page=page,
            client_id=installation.profile.client_id,
            session_id=session_id,
            browser_session_id=installation.browser_session_id,
            experiments=installation.experiments,
            user_prefs=prefs,
        )
        self._perf = self._performance(now_ms, asked_ms=asked_ms, preloaded=preloaded)
        self._stories_seen = stories_seen if prefs & TOP_STORIES else 0
        content = texts.content
        slates = content.slates if prefs & SPONSORED_STORIES else content.plain_slates
        self._slate = slates[(now_ms // _SLATE_LASTS_MS + self.installation.number) % len(slates)]
        installation.new_tabs += 1
        if prefs & TOP_SITES and prefs & SPONSORED_TOP_SITES:
            self._sponsored_impressions(now_ms)

    def _sponsored_impressions(self, now_ms: int) -> None:
        tiles = self._texts.sponsored_tiles(self.layout)
        if not tiles:
            return
        number, code = self.installation.number, self._texts.sponsored_impression
        metadata = self._sponsored_metadata()
        for tile in tiles:
            self._append((now_ms, number, code, sponsored_topsite_impression(metadata, tile), None))

    def _sponsored_metadata(self) -> str:
        installation = self.installation
        return sponsored_metadata(
            installation.app,
            context_id=installation.profile.context_id,
            experiments=installation.experiments,
        )

    def _performance(self, now_ms: int, *, asked_ms: int | None, preloaded: bool) -> str:
        """The session's `perf`, by the rules of TelemetryFeed.setLoadTriggerInfo and saveSessionPerfData."""
        installation, texts = self.installation, self._texts
        uniform = self._random.uniform
        u = uniform()
        visible_us = now_ms * 1_000 + int(u * 1_000)
        trigger_type, trigger_us = "unexpected", None
        if asked_ms is not None:
            self._last_open_ms = asked_ms
        if self.page == "about:home":
            if self._home_seen_in_run != installation.runs:
                self._home_seen_in_run = installation.runs
                trigger_type, trigger_us = "first_window_opened", installation.run_started_ms * 1_000
        elif self._last_open_ms >= installation.run_started_ms:
            trigger_type, trigger_us = "menu_plus_or_keyboard", self._last_open_ms * 1_000 + int(u * 997)
        painted_us: int | None = None
        statistics, topsites_late, highlights_late = "", None, None
        if installation.user_prefs & TOP_SITES:
            statistics = texts.statistics(self.layout)
            # A preloaded page was painted in the background, so its paint may come before its visibility.
            painted_us = visible_us + int(uniform() * 120_000) - (60_000 if preloaded else 0)
            if not preloaded and u < 0.3:
                topsites_late = 1 + int(u * 400)
                highlights_late = 1 + int(u * 700)
        return performance(
            texts.dialect,
            Performance(
                trigger_type=trigger_type,
                trigger_us=trigger_us,
                visible_us=visible_us,
                topsites_painted_us=painted_us,
                topsites=statistics,
                topsites_late_ms=topsites_late,
                highlights_late_ms=highlights_late,
                is_preloaded=preloaded,
            ),
            origin_us=installation.run_started_ms * 1_000,
        )

    def search(self, now_ms: int) -> None:
        """The user searched from the page."""
        self._append(
            (now_ms, self.installation.number, self._texts.search, newtab_search(self._metadata), None)
        )

    def search_handoff(self, now_ms: int) -> None:
        """The user began to type in the page's search box and was handed to the URL bar."""
        body = newtab_search_handoff(self._metadata)
        self._append((now_ms, self.installation.number, self._texts.search_handoff, body, None))

    def click_topsite(self, now_ms: int, position: int) -> None:
        """The user clicked a top site.

        Args:
            now_ms: when.
            position: 0-based slot.
        """
        number, texts = self.installation.number, self._texts
        tile = self.layout.tiles[position]
        body = topsite_click(self._metadata, position=position, value=texts.tile_value(tile))
        self._append((now_ms, number, texts.topsite_click, body, None))
        if tile.advertiser:
            fragment = sponsored_tile(
                advertiser=tile.advertiser.name,
                tile_id=tile.advertiser.tile_id,
                position=position + 1,
                reporting_url=tile.advertiser.click_url,
            )
            body = sponsored_topsite_click(self._sponsored_metadata(), fragment)
            self._append((now_ms, number, texts.sponsored_click, body, None))

    def block_tile(self, now_ms: int, position: int) -> None:
        """The user dismissed a top site; another one takes its place."""
        tile = self.layout.tiles[position]
        body = tile_block(self._metadata, position=position, value=self._texts.tile_value(tile))
        self._append((now_ms, self.installation.number, self._texts.tile_block, body, None))
        self.layout = self.layout.replaced(position, self._texts.content.tile(self._random))

    def click_story(self, now_ms: int, position: int) -> None:
        """The user clicked a recommended story: an event that names the client, and statistics that do not."""
        number, texts = self.installation.number, self._texts
        story = self._slate.stories[position]
        self._stories_seen = max(self._stories_seen, position + 1)
        body = topstory_click(
            texts.dialect, self._metadata, position=position, sponsored=story.shim is not None
        )
        self._append((now_ms, number, texts.topstory_click, body, None))
        body = story_click_stats(
            self._impression_metadata(), story=story.id, position=position, shim=story.shim
        )
        self._append((now_ms, number, texts.story_click_stats, body, None))

    def _impression_metadata(self) -> str:
        installation = self.installation
        return impression_metadata(
            self._texts.dialect,
            installation.app,
            impression_id=installation.profile.impression_id,
            page=self.page,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
        )

    def leave_page(self, now_ms: int) -> None:
        """The page was left: what was collected is sent in TelemetryFeed's order, then the session itself."""
        installation, texts = self.installation, self._texts
        number = installation.number
        seen = self._stories_seen
        if seen:
            metadata = self._impression_metadata()
            loaded = len(self._slate.stories)
            body = story_loaded_content(metadata, texts.tiles(self._slate, loaded), loaded=loaded)
            self._append((now_ms, number, texts.story_loaded_content, body, None))
            body = story_impression_stats(metadata, texts.tiles(self._slate, seen))
            self._append((now_ms, number, texts.story_impression_stats, body, None))
        body = newtab_session(
            texts.dialect,
            installation.app,
            page=self.page,
            client_id=installation.profile.client_id,
            session_id=self._session_id,
            duration_ms=now_ms - self._visible_ms,
            profile_creation_day=installation.profile.created_day,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
            perf=self._perf,
        )
        self._append((now_ms, number, texts.session, body, None))
        self.page = ""

    def lose_page(self) -> None:
        """The browser closed before the page could report its end: the session is never sent."""
        self.page = ""
