"""What people mostly do on an open page, and leave it by: searches, top sites, stories, topics."""

from __future__ import annotations

from simulator.client.newtab import NewTabSender
from simulator.pings.firefox.sponsored_topsites_pings.click_ping_for_the_sponsored_topsites import (
    sponsored_topsite_click,
)
from simulator.pings.firefox.sponsored_topsites_pings.sponsored_metadata import sponsored_tile
from simulator.pings.firefox.top_story_pings.click_block_save_to_pocket_ping import story_click_stats
from simulator.pings.firefox.user_event_pings.clicking_a_popular_topic_link import popular_topic_click
from simulator.pings.firefox.user_event_pings.clicking_a_top_site_item import topsite_click
from simulator.pings.firefox.user_event_pings.clicking_a_top_story_item import topstory_click
from simulator.pings.firefox.user_event_pings.performing_a_search import newtab_search
from simulator.pings.firefox.user_event_pings.performing_a_search_handoff import newtab_search_handoff


def search(newtab: NewTabSender, now_ms: int) -> None:
    """The user searched from the page."""
    newtab.emit(now_ms, "newtab_search", newtab_search(newtab.event_metadata))


def search_handoff(newtab: NewTabSender, now_ms: int) -> None:
    """The user began to type in the page's search box and was handed to the URL bar."""
    newtab.emit(now_ms, "newtab_search_handoff", newtab_search_handoff(newtab.event_metadata))


def click_topic(newtab: NewTabSender, now_ms: int, topic: str) -> None:
    """The user followed a topic below the stories."""
    body = popular_topic_click(newtab.texts.dialect, newtab.event_metadata, topic=topic)
    newtab.emit(now_ms, "popular_topic_click", body)


def click_topsite(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """The user clicked a top site; one that somebody pays for tells that without the client's id.

    Args:
        newtab: whose page.
        now_ms: when.
        position: 0-based slot.
    """
    installation, texts = newtab.installation, newtab.texts
    tile = newtab.layout.tiles[position]
    body = topsite_click(newtab.event_metadata, position=position, value=texts.tile_value(tile))
    newtab.emit(now_ms, "topsite_click", body)
    if tile.advertiser:
        fragment = sponsored_tile(
            advertiser=tile.advertiser.name,
            tile_id=tile.advertiser.tile_id,
            position=position + 1,
            reporting_url=tile.advertiser.click_url,
        )
        body = sponsored_topsite_click(newtab.sponsored_metadata(), fragment)
        installation.send((now_ms, installation.number, texts.sponsored_click, body, None))


def click_story(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """The user clicked a recommended story: an event that names the client, and statistics that do not."""
    texts, story = newtab.texts, newtab.slate.stories[position]
    newtab.see_stories(position + 1)
    body = topstory_click(
        texts.dialect, newtab.event_metadata, position=position, sponsored=story.shim is not None
    )
    newtab.emit(now_ms, "topstory_click", body)
    body = story_click_stats(
        newtab.story_metadata, story=texts.story_id(story.id), position=position, shim=story.shim
    )
    newtab.emit(now_ms, "story_click_stats", body)
