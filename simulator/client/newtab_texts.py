"""What all new tabs of a cohort share: kind codes, and fragments that depend on a tile or a slate alone."""

from __future__ import annotations

from simulator.client.outbox import Outbox
from simulator.pings.firefox.session_end_pings import topsites_statistics
from simulator.pings.firefox.sponsored_topsites_pings.sponsored_metadata import sponsored_tile
from simulator.pings.firefox.top_story_pings.impression_metadata import tiles_list
from simulator.pings.firefox.user_event_pings.tile_value import tile_value
from simulator.pings.text import quoted
from simulator.population import Layout, PageContent, Slate, Tile

_EVENTS = (
    "newtab_search",
    "newtab_search_handoff",
    "topsite_click",
    "topstory_click",
    "popular_topic_click",
    "tile_block",
    "history_delete",
    "open_new_window",
    "open_private_window",
    "search_shortcut_add",
    "search_shortcut_delete",
    "topsite_edit",
    "topsite_preview_request",
    "privacy_info_show",
    "privacy_info_click",
    "bookmark_add",
    "bookmark_remove",
    "story_load_more",
    "newtab_personalize_show",
    "newtab_personalize_hide",
    "newtab_prefs_open",
    "newtab_prefs_close",
    "newtab_pref_changed",
)
_STORY_STATS = (
    "story_impression_stats",
    "story_loaded_content",
    "story_click_stats",
    "story_block_stats",
    "story_pocket_stats",
)


class NewTabTexts:
    """The shared part of all new tab senders of a cohort.

    Args:
        outbox: the cohort's.
        content: the pools that pages show.
        text_tile_ids: whether story ids are text (version 2 of the route); the document has numbers only.
        slate_texts: filled and used by all cohorts of a process: there are few slates, and their texts are long.
    """

    def __init__(
        self,
        outbox: Outbox,
        content: PageContent,
        *,
        text_tile_ids: bool = False,
        slate_texts: dict[tuple[int, int], str] | None = None,
    ) -> None:
        self.dialect = outbox.dialect
        self.outbox = outbox
        self.content = content
        self._text_ids = text_tile_ids and outbox.dialect == "wire"
        version = "2" if self._text_ids else ""
        self.session = outbox.structured("newtab_session")
        self.sponsored_impression = outbox.structured("sponsored_topsite_impression")
        self.sponsored_click = outbox.structured("sponsored_topsite_click")
        self.code = {ping: outbox.structured(ping) for ping in _EVENTS}
        self.code |= {ping: outbox.structured(ping, version=version) for ping in _STORY_STATS}
        self.story_loaded_content = self.code["story_loaded_content"]
        self.story_impression_stats = self.code["story_impression_stats"]
        self._tile_values: dict[Tile, str] = {}
        self._statistics: dict[Layout, str] = {}
        self._sponsored: dict[Layout, list[str]] = {}
        self._tiles = {} if slate_texts is None else slate_texts

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

    def story_id(self, story: int) -> str:
        """A story's id as JSON text."""
        return quoted(str(story)) if self._text_ids else str(story)

    def tiles(self, slate: Slate, count: int) -> str:
        """The `tiles` list of the first stories of a slate."""
        text = self._tiles.get((slate.number, count))
        if text is None:
            ids = [self.story_id(story.id) for story in slate.stories[:count]]
            text = self._tiles[slate.number, count] = tiles_list(ids, positions=self.dialect == "wire")
        return text
