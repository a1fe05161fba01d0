"""The new tab's sender (TelemetryFeed): sessions of about:home, about:newtab and about:welcome.

It is told that a page opened and that it was left, and keeps what the pings in between need: `newtab_clicks` has what
ends a visit, `newtab_events` the rarer things. Every ping is sent at once; only impressions and loaded content wait
for the end of their session.
"""

from __future__ import annotations

from simulator.client.installation import Installation
from simulator.client.newtab_texts import NewTabTexts
from simulator.pings.firefox.basic_metadata import client_metadata, user_event_metadata
from simulator.pings.firefox.session_end_pings import newtab_session, performance, session_metadata
from simulator.pings.firefox.sponsored_topsites_pings.impression_ping_for_the_sponsored_topsites import (
    sponsored_topsite_impression,
)
from simulator.pings.firefox.sponsored_topsites_pings.sponsored_metadata import sponsored_metadata
from simulator.pings.firefox.top_story_pings.impression_metadata import impression_metadata
from simulator.pings.firefox.top_story_pings.impression_stats import (
    story_impression_stats,
    story_loaded_content,
)
from simulator.population import Layout, Slate
from simulator.population.preferences import (
    HIGHLIGHTS,
    SPONSORED_STORIES,
    SPONSORED_TOP_SITES,
    TOP_SITES,
    TOP_STORIES,
)
from simulator.randomness import Stream

_SLATE_LASTS_MS = 30 * 60_000
_BOTH_TOP_SITES = TOP_SITES | SPONSORED_TOP_SITES
_WELCOME = "about:welcome"


class NewTabSender:
    """One installation's new tab telemetry.

    Args:
        installation: whose.
        texts: shared by the cohort.
        random: for session ids and for how long pages take to come up.
    """

    __slots__ = (
        "_bookmarks",
        "_epoch",
        "_event_texts",
        "_home_seen_in_run",
        "_last_open_ms",
        "_layout",
        "_metadata",
        "_on_page",
        "_page_texts",
        "_preloaded",
        "_preloaded_id",
        "_random",
        "_run",
        "_slate",
        "_slates",
        "_sponsored",
        "_statistics",
        "_stories_seen",
        "_topsites_shown",
        "_trigger",
        "_u",
        "_visible_ms",
        "added_shortcuts",
        "installation",
        "layout",
        "page",
        "session_id",
        "texts",
    )

    def __init__(self, installation: Installation, texts: NewTabTexts, random: Stream) -> None:
        self.installation = installation
        self.texts = texts
        self._random = random
        layouts = texts.content.layouts
        self._layout = layouts[int(installation.profile.layout_number * len(layouts))]
        self.layout = self._layout
        self.page = ""
        self.session_id = ""
        self.added_shortcuts: tuple[str, ...] = ()
        self._bookmarks: set[int] | None = None
        self._epoch = self._run = -1
        self._page_texts: dict[str, tuple[str, str]] = {}
        self._on_page = ("", "")
        self._event_texts: dict[str, str] = {}
        self._sponsored: list[str] | None = None
        self._preloaded_id = ""
        self._metadata = ""
        self._visible_ms = 0
        self._trigger: tuple[str, int | None] = ("unexpected", None)
        self._u = 0.0
        self._preloaded = self._topsites_shown = False
        self._slates = texts.content.slates
        self._slate = self._slates[0]
        self._statistics = ""
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
        installation = self.installation
        if self._epoch != installation.epoch:
            self._refresh()
        prefs = installation.user_prefs
        self.page = page
        uuid = self._random.uuid
        if preloaded:
            # The page had its session in the background; the next one is loaded at once, and if the browser closes
            # before that is ever visible, it is dropped without a ping.
            self.session_id = self._preloaded_id or uuid()
            self._preloaded_id = uuid()
        else:
            self.session_id = uuid()
        self._on_page = self._page_texts.get(page) or self._texts_of(page)
        self._metadata = ""
        self._visible_ms = now_ms
        self._u = self._random.uniform()
        self._preloaded = preloaded
        self._trigger = self._load_trigger(page, asked_ms)
        welcome = page == _WELCOME
        self._topsites_shown = bool(prefs & TOP_SITES) and not welcome
        self._stories_seen = stories_seen if prefs & TOP_STORIES else 0
        self._slate = self._slate_at(now_ms)
        installation.new_tabs += 1
        if prefs & _BOTH_TOP_SITES == _BOTH_TOP_SITES and not welcome:
            number, code = installation.number, self.texts.sponsored_impression
            bodies = self._sponsored if self._sponsored is not None else self._sponsored_bodies()
            for body in bodies:
                installation.send((now_ms, number, code, body, None))

    def _refresh(self) -> None:
        """Something changed that fragments depend on: a new run, a preference, an experiment, an update."""
        installation = self.installation
        if self._run != installation.runs:
            self._run = installation.runs
            self._preloaded_id = ""
        self._epoch = installation.epoch
        self._page_texts.clear()
        self._event_texts.clear()
        self._sponsored = None
        prefs, content = installation.user_prefs, self.texts.content
        self.layout = self._layout if prefs & SPONSORED_TOP_SITES else self._layout.without_sponsored
        self._statistics = ""
        self._slates = content.slates if prefs & SPONSORED_STORIES else content.plain_slates

    def _follow(self) -> None:
        """The same while a page is open: an experiment began or ended, a preference was switched."""
        self._refresh()
        self._on_page = self._texts_of(self.page)
        self._metadata = ""

    def _texts_of(self, page: str) -> tuple[str, str]:
        """The fragments of sessions and story statistics that this page's sessions share."""
        installation, dialect = self.installation, self.texts.dialect
        profile, app = installation.profile, installation.app
        experiments, prefs = installation.experiments, installation.user_prefs
        made = self._page_texts[page] = (
            session_metadata(
                dialect,
                app,
                page=page,
                client_id=profile.client_id,
                profile_creation_day=installation.created_day,
                experiments=experiments,
                user_prefs=prefs,
            ),
            impression_metadata(
                dialect,
                app,
                impression_id=profile.impression_id,
                page=page,
                experiments=experiments,
                user_prefs=prefs,
            ),
        )
        return made

    def _event_text_of(self, page: str) -> str:
        """The fragment of user events that this page's sessions share; made for the first of them."""
        installation = self.installation
        made = self._event_texts[page] = client_metadata(
            self.texts.dialect,
            installation.app,
            page=page,
            client_id=installation.profile.client_id,
            browser_session_id=installation.browser_session_id,
            experiments=installation.experiments,
            user_prefs=installation.user_prefs,
        )
        return made

    def sponsored_metadata(self) -> str:
        """What sponsored tiles' pings have in common: no id of the others."""
        installation = self.installation
        context_id = installation.profile.context_id
        return sponsored_metadata(
            installation.app, context_id=context_id, experiments=installation.experiments
        )

    def _sponsored_bodies(self) -> list[str]:
        metadata = self.sponsored_metadata()
        tiles = self.texts.sponsored_tiles(self.layout)
        self._sponsored = [sponsored_topsite_impression(metadata, tile) for tile in tiles]
        return self._sponsored

    def _slate_at(self, now_ms: int) -> Slate:
        return self._slates[(now_ms // _SLATE_LASTS_MS + self.installation.number) % len(self._slates)]

    def _load_trigger(self, page: str, asked_ms: int | None) -> tuple[str, int | None]:
        """What caused the load, by the rules of TelemetryFeed.setLoadTriggerInfo; times in ms since the epoch."""
        installation = self.installation
        if asked_ms is not None:
            self._last_open_ms = asked_ms
        if page == "about:home":
            if self._home_seen_in_run != installation.runs:
                self._home_seen_in_run = installation.runs
                return "first_window_opened", installation.run_started_ms
        elif page != _WELCOME and self._last_open_ms >= installation.run_started_ms:
            return "menu_plus_or_keyboard", self._last_open_ms
        return "unexpected", None

    def _performance(self, now_ms: int) -> str:
        """The session's `perf` at its end, on the client's own clock."""
        installation, texts, u, preloaded = self.installation, self.texts, self._u, self._preloaded
        prefs, skew_ms = installation.user_prefs, installation.profile.clock_skew_ms
        visible_us = (self._visible_ms + skew_ms) * 1_000 + int(u * 1_000)
        trigger_type, trigger_ms = self._trigger
        statistics, painted_us = "", None
        topsites_late = highlights_late = None
        # A preloaded page was painted in the background, so its paint may come before its visibility.
        paint_us = visible_us + int(u * 1_009.0 % 1.0 * 120_000) - (60_000 if preloaded else 0)
        # Where the page was gone before that, Top Sites were never rendered, and there is nothing to tell of them.
        if self._topsites_shown and prefs & TOP_SITES and paint_us <= (now_ms + skew_ms) * 1_000:
            statistics = self._statistics = self._statistics or texts.statistics(self.layout)
            painted_us = paint_us
            if not preloaded and u < 0.3:  # noqa: PLR2004, RUF100 - assumption: placeholders are seen on 3 of 10
                topsites_late = 1 + int(u * 400)
                if prefs & HIGHLIGHTS:
                    highlights_late = 1 + int(u * 700)
        return performance(
            texts.dialect,
            trigger_type=trigger_type,
            trigger_us=None if trigger_ms is None else (trigger_ms + skew_ms) * 1_000 + int(u * 997),
            visible_us=visible_us,
            topsites_painted_us=painted_us,
            topsites=statistics,
            topsites_late_ms=topsites_late,
            highlights_late_ms=highlights_late,
            is_preloaded=preloaded,
            origin_us=(installation.run_started_ms + skew_ms) * 1_000,
        )

    @property
    def event_metadata(self) -> str:
        """The basic metadata of user events in the open session."""
        if self._epoch != self.installation.epoch:
            self._follow()
        if not self._metadata:
            client = self._event_texts.get(self.page) or self._event_text_of(self.page)
            self._metadata = user_event_metadata(self.texts.dialect, client, session_id=self.session_id)
        return self._metadata

    @property
    def story_metadata(self) -> str:
        """The fields of story statistics on the open page."""
        if self._epoch != self.installation.epoch:
            self._follow()
        return self._on_page[1]

    @property
    def slate(self) -> Slate:
        """The stories on the open page."""
        return self._slate

    @property
    def bookmarks(self) -> set[int]:
        """The places of highlights that the user has bookmarked."""
        if self._bookmarks is None:
            self._bookmarks = set()
        return self._bookmarks

    def emit(self, now_ms: int, ping: str, body: str) -> None:
        """Send a ping of the open session."""
        installation = self.installation
        installation.send((now_ms, installation.number, self.texts.code[ping], body, None))

    def change_layout(self, layout: Layout) -> None:
        """The user changed the top sites, as they are shown now."""
        self._layout = self.layout = layout
        self._statistics = ""
        self._sponsored = None

    def see_stories(self, count: int) -> None:
        """At least so many stories came to be on the screen."""
        self._stories_seen = max(self._stories_seen, count)

    def preferences_changed(self, now_ms: int) -> None:
        """A preference was switched while the page is open: the page follows at once.

        What was collected about stories is dropped with them, because its pings would contradict their own
        `user_prefs`; stories that appear now count from the next page on.
        """
        self._follow()
        if not self.installation.user_prefs & TOP_STORIES:
            self._stories_seen = 0
        self._slate = self._slate_at(now_ms)

    def leave_page(self, now_ms: int) -> None:
        """The page was left: what was collected is sent in TelemetryFeed's order, then the session itself."""
        installation, texts = self.installation, self.texts
        if self._epoch != installation.epoch:
            self._follow()
        number, send, seen = installation.number, installation.send, self._stories_seen
        session, impression = self._on_page
        if seen and self.page != _WELCOME:
            slate = self._slate
            loaded = len(slate.stories)
            body = story_loaded_content(impression, texts.tiles(slate, loaded), loaded=loaded)
            send((now_ms, number, texts.story_loaded_content, body, None))
            body = story_impression_stats(impression, texts.tiles(slate, seen))
            send((now_ms, number, texts.story_impression_stats, body, None))
        body = newtab_session(
            texts.dialect,
            session,
            session_id=self.session_id,
            duration_ms=now_ms - self._visible_ms,
            perf=self._performance(now_ms),
        )
        send((now_ms, number, texts.session, body, None))
        self.page = ""

    def lose_page(self) -> None:
        """The browser closed before the page could report its end: the session is never sent."""
        self.page = ""
