"""The rarer user events of an open page: what each sends, and what it changes on the page.

Each function is told a fact of a page that is open; what the fact needs (a preference that is on, a bookmark that is
there) is the teller's to check.
"""

from __future__ import annotations

from simulator.client.newtab import NewTabSender
from simulator.pings.firefox.top_story_pings.click_block_save_to_pocket_ping import (
    story_block_stats,
    story_pocket_stats,
)
from simulator.pings.firefox.top_story_pings.load_more_button_ping import story_load_more
from simulator.pings.firefox.user_event_pings import (
    adding_a_search_shortcut,
    adding_or_editing_a_new_topsite,
    blocking_a_site,
    bookmarking_a_link,
    changing_preferences_from_about_preferences_home_or_on_the_customize_menu_on_the_newtab_page,
    clicking_on_privacy_information_link,
    closing_the_new_tab_preferences_pane,
    deleting_a_search_shortcut,
    deleting_an_item_from_history,
    opening_a_link_in_a_new_private_window,
    opening_a_link_in_a_new_window,
    opening_the_new_tab_preferences_pane,
    removing_a_bookmark_from_a_link,
    requesting_a_custom_screenshot_preview,
    show_hide_personalization_panel,
    showing_privacy_information,
)
from simulator.pings.text import compact, nested
from simulator.population import Tile
from simulator.population.preferences import SOURCE_OF_BIT

_changing_preferences = (
    changing_preferences_from_about_preferences_home_or_on_the_customize_menu_on_the_newtab_page
)


def block_tile(newtab: NewTabSender, now_ms: int, position: int, *, instead: Tile) -> None:
    """A top site was dismissed; another one takes its place."""
    value = newtab.texts.tile_value(newtab.layout.tiles[position])
    body = blocking_a_site.tile_block(newtab.event_metadata, position=position, value=value)
    newtab.emit(now_ms, "tile_block", body)
    newtab.change_layout(newtab.layout.replaced(position, instead))


def delete_from_history(newtab: NewTabSender, now_ms: int, position: int, *, instead: Tile) -> None:
    """A site was deleted from history; another one takes its place."""
    value = newtab.texts.tile_value(newtab.layout.tiles[position])
    body = deleting_an_item_from_history.history_delete(newtab.event_metadata, position=position, value=value)
    newtab.emit(now_ms, "history_delete", body)
    newtab.change_layout(newtab.layout.replaced(position, instead))


def open_in_window(newtab: NewTabSender, now_ms: int, position: int, *, private: bool) -> None:
    """A tile was opened in a new window, private or not; the page stays."""
    value = newtab.texts.tile_value(newtab.layout.tiles[position])
    metadata = newtab.event_metadata
    if private:
        body = opening_a_link_in_a_new_private_window.open_private_window(
            metadata, position=position, value=value
        )
        newtab.emit(now_ms, "open_private_window", body)
    else:
        body = opening_a_link_in_a_new_window.open_new_window(metadata, position=position, value=value)
        newtab.emit(now_ms, "open_new_window", body)


def add_shortcut(newtab: NewTabSender, now_ms: int, position: int, vendor: str) -> None:
    """A search engine was put at a position."""
    body = adding_a_search_shortcut.search_shortcut_add(
        newtab.texts.dialect, newtab.event_metadata, position=position, vendor=vendor
    )
    newtab.emit(now_ms, "search_shortcut_add", body)
    newtab.added_shortcuts += (vendor,)
    newtab.change_layout(newtab.layout.replaced(position, Tile("tippytop", "search", vendor)))


def delete_shortcut(newtab: NewTabSender, now_ms: int, vendor: str, *, instead: Tile) -> None:
    """A search engine that the user had added was taken away."""
    layout = newtab.layout
    position = next(at for at, tile in enumerate(layout.tiles) if tile.search_vendor == vendor)
    body = deleting_a_search_shortcut.search_shortcut_delete(
        newtab.texts.dialect, newtab.event_metadata, position=position, vendor=vendor
    )
    newtab.emit(now_ms, "search_shortcut_delete", body)
    newtab.added_shortcuts = tuple(added for added in newtab.added_shortcuts if added != vendor)
    newtab.change_layout(layout.replaced(position, instead))


def request_preview(newtab: NewTabSender, now_ms: int) -> None:
    """A picture for a tile was asked for."""
    body = requesting_a_custom_screenshot_preview.topsite_preview_request(
        newtab.texts.dialect,
        newtab.event_metadata,
        browser_session_id=newtab.installation.browser_session_id,
    )
    newtab.emit(now_ms, "topsite_preview_request", body)


def edit_topsite(newtab: NewTabSender, now_ms: int, position: int, tile: Tile) -> None:
    """A site was put in front of the others (-1), or the one at a position was changed; either is pinned then."""
    body = adding_or_editing_a_new_topsite.topsite_edit(
        newtab.texts.dialect,
        newtab.event_metadata,
        browser_session_id=newtab.installation.browser_session_id,
        position=position,
    )
    newtab.emit(now_ms, "topsite_edit", body)
    layout = newtab.layout
    newtab.change_layout(layout.prepended(tile) if position < 0 else layout.replaced(position, tile))


def show_privacy_information(newtab: NewTabSender, now_ms: int, source: str, position: int) -> None:
    """The privacy notice of a sponsored item was shown."""
    body = showing_privacy_information.privacy_info_show(
        newtab.texts.dialect, newtab.event_metadata, source=source, position=position
    )
    newtab.emit(now_ms, "privacy_info_show", body)


def click_privacy_information(newtab: NewTabSender, now_ms: int) -> None:
    """The link in the notice was followed."""
    body = clicking_on_privacy_information_link.privacy_info_click(newtab.event_metadata)
    newtab.emit(now_ms, "privacy_info_click", body)


def add_bookmark(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """A highlight was bookmarked."""
    body = bookmarking_a_link.bookmark_add(newtab.texts.dialect, newtab.event_metadata, position=position)
    newtab.emit(now_ms, "bookmark_add", body)
    newtab.bookmarks.add(position)


def remove_bookmark(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """The bookmark of a highlight was removed."""
    body = removing_a_bookmark_from_a_link.bookmark_remove(
        newtab.texts.dialect, newtab.event_metadata, position=position
    )
    newtab.emit(now_ms, "bookmark_remove", body)
    newtab.bookmarks.discard(position)


def block_story(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """A story was dismissed: statistics, and on the wire a user event before them."""
    texts, story = newtab.texts, newtab.slate.stories[position]
    newtab.see_stories(position + 1)
    if texts.dialect == "wire":
        value = nested("wire", compact({"card_type": "spoc" if story.shim else "organic"}))
        body = blocking_a_site.tile_block(
            newtab.event_metadata, position=position, value=value, source="CARDGRID"
        )
        newtab.emit(now_ms, "tile_block", body)
    body = story_block_stats(
        newtab.story_metadata, story=texts.story_id(story.id), position=position, shim=story.shim
    )
    newtab.emit(now_ms, "story_block_stats", body)


def save_story(newtab: NewTabSender, now_ms: int, position: int) -> None:
    """A story was saved to Pocket."""
    story = newtab.slate.stories[position]
    newtab.see_stories(position + 1)
    body = story_pocket_stats(
        newtab.story_metadata, story=newtab.texts.story_id(story.id), position=position, shim=story.shim
    )
    newtab.emit(now_ms, "story_pocket_stats", body)


def load_more_stories(newtab: NewTabSender, now_ms: int) -> None:
    """More stories were asked for, and come on the screen."""
    newtab.emit(now_ms, "story_load_more", story_load_more(newtab.event_metadata))
    newtab.see_stories(len(newtab.slate.stories))


def show_personalization(newtab: NewTabSender, now_ms: int) -> None:
    """The personalization panel was opened."""
    body = show_hide_personalization_panel.newtab_personalize_show(newtab.event_metadata)
    newtab.emit(now_ms, "newtab_personalize_show", body)


def hide_personalization(newtab: NewTabSender, now_ms: int) -> None:
    """The personalization panel was closed."""
    body = show_hide_personalization_panel.newtab_personalize_hide(newtab.event_metadata)
    newtab.emit(now_ms, "newtab_personalize_hide", body)


def open_preferences(newtab: NewTabSender, now_ms: int) -> None:
    """The preferences pane was opened from the page."""
    newtab.emit(
        now_ms,
        "newtab_prefs_open",
        opening_the_new_tab_preferences_pane.newtab_prefs_open(newtab.event_metadata),
    )


def close_preferences(newtab: NewTabSender, now_ms: int) -> None:
    """The preferences pane was closed; only old clients tell."""
    newtab.emit(
        now_ms,
        "newtab_prefs_close",
        closing_the_new_tab_preferences_pane.newtab_prefs_close(newtab.event_metadata),
    )


def change_preference(newtab: NewTabSender, now_ms: int, bit: int, *, in_page: bool) -> None:
    """A preference was switched: its bit flips, and the ping has the bits after that.

    Args:
        newtab: whose; a page need not be open where `in_page` is False.
        now_ms: when.
        bit: which, one of `SOURCE_OF_BIT`.
        in_page: whether in the customize menu of the open page, not in about:preferences.
    """
    installation = newtab.installation
    on = not installation.user_prefs & bit
    installation.set_preference(bit, on=on)
    if newtab.is_open:
        newtab.preferences_changed(now_ms)
    body = _changing_preferences.newtab_pref_changed(
        newtab.texts.dialect,
        installation.app,
        source=SOURCE_OF_BIT[bit],
        status=on,
        page=newtab.page if in_page else None,
        session_id=newtab.session_id if in_page else None,
        client_id=installation.profile.client_id,
        browser_session_id=installation.browser_session_id,
        experiments=installation.experiments,
        user_prefs=installation.user_prefs,
    )
    newtab.emit(now_ms, "newtab_pref_changed", body)
