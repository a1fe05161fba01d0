"""The rarer things that people do on a new tab. Each looks whether what it needs is there; if not, nothing happens.

Those that take several steps are processes that stop where the browser is closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.client import newtab_events as events
from simulator.distributions import lognormal
from simulator.population.page import SEARCH_VENDORS, Tile
from simulator.population.preferences import (
    HIGHLIGHTS,
    SOURCE_OF_BIT,
    SPONSORED_STORIES,
    SPONSORED_TOP_SITES,
    TOP_SITES,
    TOP_STORIES,
)

if TYPE_CHECKING:
    from simulator.behaviour.newtab import NewTabHabits

Process = Generator[simpy.Event, None, None]
Rarity = Callable[[BrowserPerson, "NewTabHabits"], Process | None]

_STEP = lognormal(2_500, 0.7)
_HIGHLIGHTS_SHOWN: Final = 8
# How things go on once they have begun. Assumptions: no public figure was found.
_ADDS_RATHER_THAN_EDITS: Final = 0.4
_ASKS_FOR_A_PREVIEW: Final = 0.35
_STORY_RATHER_THAN_TILE: Final = 0.6
_FOLLOWS_THE_PRIVACY_LINK: Final = 0.4
_CHANGES_SOMETHING: Final = 0.5
_HIDES_THE_PANEL: Final = 0.9
_PREFERENCES: Final = tuple(SOURCE_OF_BIT)
_OWN_SITES: Final = (None, "pinned")


def _now(person: BrowserPerson) -> int:
    return int(person.env.now)


def _can_go_on(person: BrowserPerson) -> bool:
    """Whether the page is still open and the browser too."""
    return person.newtab.is_open and person.env.now < person.installation.run_ends_ms


def _step(person: BrowserPerson) -> simpy.Event:
    """A moment of hesitation, cut off where the browser is closed."""
    left = person.installation.run_ends_ms - person.env.now
    return person.env.timeout(min(_STEP(person.random.uniform()), max(0, left)))


def _own_site(person: BrowserPerson, habits: NewTabHabits) -> int | None:
    """The position of a tile that is neither an advertisement nor a search engine."""
    if not person.installation.user_prefs & TOP_SITES:
        return None
    return person.newtab.layout.nearest(habits.tile(person.random.uniform()), kinds=_OWN_SITES)


def _another(person: BrowserPerson) -> Tile:
    return person.newtab.texts.content.tile(person.random)


def _plain(person: BrowserPerson) -> Tile:
    return person.newtab.texts.content.site(person.random)


def tile_block(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A top site is dismissed."""
    if person.installation.user_prefs & TOP_SITES:
        position = habits.tile(person.random.uniform())
        events.block_tile(person.newtab, _now(person), position, instead=_another(person))


def history_delete(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A site is deleted from history."""
    position = _own_site(person, habits)
    if position is not None:
        events.delete_from_history(person.newtab, _now(person), position, instead=_plain(person))


def open_new_window(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A site is opened in a window of its own."""
    position = _own_site(person, habits)
    if position is not None:
        events.open_in_window(person.newtab, _now(person), position, private=False)


def open_private_window(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A site is opened in a private window, where nothing is reported any more."""
    position = _own_site(person, habits)
    if position is not None:
        events.open_in_window(person.newtab, _now(person), position, private=True)


def search_shortcut_add(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A search engine that is not there yet takes the place of a site."""
    position = _own_site(person, habits)
    missing = [vendor for vendor in SEARCH_VENDORS if vendor not in person.newtab.layout.vendors]
    if position is not None and missing:
        vendor = missing[int(person.random.uniform() * len(missing))]
        events.add_shortcut(person.newtab, _now(person), position, vendor)


def search_shortcut_delete(person: BrowserPerson, _habits: NewTabHabits) -> None:
    """A search engine that was added, and is still there, is taken away."""
    newtab = person.newtab
    if not person.installation.user_prefs & TOP_SITES:
        return
    there = [vendor for vendor in newtab.added_shortcuts if vendor in newtab.layout.vendors]
    if there:
        vendor = there[int(person.random.uniform() * len(there))]
        events.delete_shortcut(newtab, _now(person), vendor, instead=_plain(person))


def topsite_edit(person: BrowserPerson, habits: NewTabHabits) -> Process | None:
    """A site is added in front or changed where it stands, perhaps with a picture of its own."""
    position = _own_site(person, habits)
    return None if position is None else _edit(person, position)


def _edit(person: BrowserPerson, position: int) -> Process:
    uniform = person.random.uniform
    adds = uniform() < _ADDS_RATHER_THAN_EDITS
    pictured = uniform() < _ASKS_FOR_A_PREVIEW
    if pictured:
        events.request_preview(person.newtab, _now(person))
        yield _step(person)
        if not _can_go_on(person):
            return
    tile = Tile("custom_screenshot" if pictured else "tippytop", "pinned")
    events.edit_topsite(person.newtab, _now(person), -1 if adds else position, tile)


def privacy_info(person: BrowserPerson, _habits: NewTabHabits) -> Process | None:
    """The notice of a sponsored item is opened; that of a story has a link."""
    newtab, uniform, prefs = person.newtab, person.random.uniform, person.installation.user_prefs
    story = uniform() < _STORY_RATHER_THAN_TILE
    if story and prefs & TOP_STORIES and prefs & SPONSORED_STORIES:
        paid = [at for at, card in enumerate(newtab.slate.stories) if card.shim]
        if paid:
            return _privacy_of_story(person, paid[int(uniform() * len(paid))])
    elif not story and prefs & TOP_SITES and prefs & SPONSORED_TOP_SITES and newtab.layout.sponsored:
        sponsored = newtab.layout.sponsored
        position = sponsored[int(uniform() * len(sponsored))][0]
        events.show_privacy_information(newtab, _now(person), "TOP_SITES", position)
    return None


def _privacy_of_story(person: BrowserPerson, position: int) -> Process:
    newtab = person.newtab
    newtab.see_stories(position + 1)
    events.show_privacy_information(newtab, _now(person), "CARDGRID", position)
    if person.random.uniform() < _FOLLOWS_THE_PRIVACY_LINK:
        yield _step(person)
        if _can_go_on(person):
            events.click_privacy_information(newtab, _now(person))


def bookmark_add(person: BrowserPerson, _habits: NewTabHabits) -> None:
    """A highlight is bookmarked that is not yet."""
    newtab = person.newtab
    if person.installation.user_prefs & HIGHLIGHTS:
        position = int(person.random.uniform() * _HIGHLIGHTS_SHOWN)
        if position not in newtab.bookmarks:
            events.add_bookmark(newtab, _now(person), position)


def bookmark_remove(person: BrowserPerson, _habits: NewTabHabits) -> None:
    """A bookmark that was made here is removed."""
    newtab = person.newtab
    if person.installation.user_prefs & HIGHLIGHTS and newtab.bookmarks:
        made = sorted(newtab.bookmarks)
        events.remove_bookmark(newtab, _now(person), made[int(person.random.uniform() * len(made))])


def story_block(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A story is dismissed."""
    if person.installation.user_prefs & TOP_STORIES:
        events.block_story(person.newtab, _now(person), habits.story(person.random.uniform()))


def story_save(person: BrowserPerson, habits: NewTabHabits) -> None:
    """A story is saved to Pocket."""
    if person.installation.user_prefs & TOP_STORIES:
        events.save_story(person.newtab, _now(person), habits.story(person.random.uniform()))


def story_load_more(person: BrowserPerson, _habits: NewTabHabits) -> None:
    """More stories are asked for."""
    if person.installation.user_prefs & TOP_STORIES:
        events.load_more_stories(person.newtab, _now(person))


def personalize(person: BrowserPerson, _habits: NewTabHabits) -> Process:
    """The personalization panel is opened; perhaps something is switched; mostly it is closed again."""
    uniform = person.random.uniform
    events.show_personalization(person.newtab, _now(person))
    yield _step(person)
    if not _can_go_on(person):
        return
    if uniform() < _CHANGES_SOMETHING:
        bit = _PREFERENCES[int(uniform() * len(_PREFERENCES))]
        events.change_preference(person.newtab, _now(person), bit, in_page=True)
        yield _step(person)
        if not _can_go_on(person):
            return
    if uniform() < _HIDES_THE_PANEL:
        events.hide_personalization(person.newtab, _now(person))


def prefs_open(person: BrowserPerson, habits: NewTabHabits) -> Process:
    """The preferences are opened from the page; perhaps something is switched there."""
    uniform = person.random.uniform
    events.open_preferences(person.newtab, _now(person))
    yield _step(person)
    if not _can_go_on(person):
        return
    if uniform() < _CHANGES_SOMETHING:
        bit = _PREFERENCES[int(uniform() * len(_PREFERENCES))]
        events.change_preference(person.newtab, _now(person), bit, in_page=False)
    if habits.rates.prefs_close and uniform() < habits.rates.prefs_close:
        yield _step(person)
        if _can_go_on(person):
            events.close_preferences(person.newtab, _now(person))


#: What each key of the scenario's `newtab` section stands for.
RARITIES: Final[dict[str, Rarity]] = {
    "tile_block": tile_block,
    "history_delete": history_delete,
    "open_new_window": open_new_window,
    "open_private_window": open_private_window,
    "search_shortcut_add": search_shortcut_add,
    "search_shortcut_delete": search_shortcut_delete,
    "topsite_edit": topsite_edit,
    "privacy_info": privacy_info,
    "bookmark_add": bookmark_add,
    "bookmark_remove": bookmark_remove,
    "story_block": story_block,
    "story_save": story_save,
    "story_load_more": story_load_more,
    "personalize": personalize,
    "prefs_open": prefs_open,
}
