"""Sourcegraph's web application: actions and page views in windows of one second, each sent as one LogEvents.

Sends follow each other: a batch waits for the answer to the one before. There is no second try, and the client's
error handler sits outside the stream of windows: after the first failed batch a page sends nothing more until it
is loaded again. A replay that wants to be as forgiving as the client drops the rest of a page after a failure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from simulator.catalogue import ping_types
from simulator.client.outbox import Outbox
from simulator.clock import MS_PER_DAY, utc
from simulator.corpus.rows import Kind
from simulator.pings.sourcegraph.action_telemetry import (
    documented_web_event,
    event_ids,
    log_events,
    log_events_head,
    page_view_addresses,
    web_event,
    web_identity,
)
from simulator.pings.text import quoted
from simulator.population.developer import DeveloperProfile
from simulator.randomness import Stream
from simulator.wire import graphql

WINDOW_MS: Final = 1_000
NEVER_MS: Final = 1 << 62

_COOKIES_LAST_MS = 365 * MS_PER_DAY


def monday(day: int) -> str:
    """The Monday of the week of a day (days since the Unix epoch, itself a Thursday), as YYYY-MM-DD."""
    return utc((day - (day + 3) % 7) * MS_PER_DAY).strftime("%Y-%m-%d")


class WebCookies:
    """What the instance's cookies know of a browser. Each visit renews them for 365 days.

    Args:
        profile: whose browser.
        random: for a new id after the cookies are gone.
    """

    __slots__ = ("_is_set", "_random", "_renewed_ms", "cohort_id", "first_source_url", "user_id")

    def __init__(self, profile: DeveloperProfile, random: Stream) -> None:
        self._random = random
        self._renewed_ms = NEVER_MS
        self._is_set = not profile.is_new_to_web
        self.user_id = profile.web_user_id
        day = profile.first_visit_day
        self.cohort_id = None if day is None else monday(day)
        self.first_source_url = profile.first_source_url

    def visit(self, now_ms: int, url: str) -> None:
        """The application is entered at `url`. Where there are no cookies yet, this makes them."""
        if now_ms - self._renewed_ms > _COOKIES_LAST_MS:
            self.user_id = self._random.uuid()
            self._is_set = False
        if not self._is_set:
            self._is_set = True
            self.first_source_url = url
            self.cohort_id = monday(now_ms // MS_PER_DAY)  # set only when the anonymous id is made
        self._renewed_ms = now_ms


class WebTexts:
    """What the web applications of a cohort share.

    Args:
        outbox: where the pings go.
        later_clients: whether the wire dialect is that of September 2022.
        answers_after_ms: how long an instance takes to answer a batch, in milliseconds.
        arguments_opted_in: actions whose callers have their arguments logged.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        later_clients: bool,
        answers_after_ms: int,
        arguments_opted_in: Iterable[str] = (),
    ) -> None:
        self.outbox = outbox
        self.dialect = outbox.dialect
        self.later = later_clients
        self.answers_after_ms = answers_after_ms
        self.opted_in = frozenset(arguments_opted_in)
        self.head = log_events_head(outbox.dialect)
        self._codes: dict[str, int] = {}
        self._arguments: dict[str, str] = {}

    def code(self, instance_url: str) -> int:
        """The kind code of an instance's LogEvents."""
        code = self._codes.get(instance_url)
        if code is None:
            row = ping_types()["sourcegraph_log_events"]
            headers = {"x-sourcegraph-client": instance_url, "X-Sourcegraph-Should-Trace": "false"}
            kind = Kind(
                row.name, row.product, row.routes[self.dialect], graphql("LogEvents"), headers=headers
            )
            code = self._codes[instance_url] = self.outbox.kinds.code(kind)
        return code

    def argument(self, action_id: str, argument: str) -> str | None:
        """An action's argument (JSON text) as a JSON string, or None where its caller has not opted in."""
        if action_id not in self.opted_in:
            return None
        text = self._arguments.get(argument)
        if text is None:
            text = self._arguments[argument] = quoted(argument)
        return text


class WebSender:
    """One developer's web application. It is told of page loads, navigation and actions.

    `next_ms` is the next moment at which it has something to do by itself; `tick` has to be called then.

    Args:
        profile: whose.
        texts: shared by the cohort.
        random: for insert ids, and ids of new visitors.
    """

    __slots__ = (
        "_addresses",
        "_answered_ms",
        "_append",
        "_closes_ms",
        "_code",
        "_cookies",
        "_event_id",
        "_identity",
        "_instance",
        "_loaded_ms",
        "_number",
        "_random",
        "_texts",
        "_url",
        "_waiting",
        "_window",
        "_with_ids",
        "next_ms",
    )

    def __init__(self, profile: DeveloperProfile, texts: WebTexts, random: Stream) -> None:
        self._number = profile.number
        self._instance = profile.instance_url
        self._texts = texts
        self._random = random
        self._append = texts.outbox.rows.append
        self._code = texts.code(profile.instance_url)
        self._with_ids = profile.using_dot_com or texts.later
        self._cookies = WebCookies(profile, random)
        self._identity = ""
        self._url = ""
        self._addresses = ("", "")
        self._event_id = 0
        self._loaded_ms = 0
        self._closes_ms = 0
        self._answered_ms = 0
        self._window: list[str] = []
        self._waiting: deque[list[str]] = deque()
        self.next_ms = NEVER_MS

    def load_page(self, now_ms: int, path: str, title: str, *, link: str = "", referrer: str = "") -> None:
        """The application is loaded: windows and event ids begin anew.

        Args:
            now_ms: when; nothing of the page before may be waiting to be sent.
            path: the page, with its own parameters, from the instance's root.
            title: of the page, as the application names it.
            link: the same with the markers of the link that was followed. They are in the address while the
                page view is logged; then the application strips them.
            referrer: the address of the page with the link.
        """
        entered = self._instance + (link or path)
        self._cookies.visit(now_ms, entered)
        self._loaded_ms = self._answered_ms = now_ms
        self._event_id = 0
        first = self._cookies.first_source_url
        self._addresses = (first, entered)
        self._identity = web_identity(
            self._texts.dialect,
            anonymous_user_id=self._cookies.user_id,
            instance_url=self._instance,
            cohort_id=self._cookies.cohort_id,
            first_source_url=first,
            last_source_url=entered,
            referrer=referrer,
        )
        self._url = entered
        self._log(now_ms, f"View{title}", is_view=True)
        self._url = self._instance + path

    def navigate(self, now_ms: int, path: str, title: str) -> None:
        """Another page of the application is shown, without loading the application again."""
        self._url = self._instance + path
        self._log(now_ms, f"View{title}", is_view=True)

    def action(self, now_ms: int, action_id: str, argument: str) -> None:
        """An action was executed.

        Args:
            now_ms: when.
            action_id: of the application or of an extension, which are treated alike.
            argument: its arguments as JSON text, logged only where the caller opted in.
        """
        self._log(now_ms, action_id, argument=self._texts.argument(action_id, argument))

    def _log(self, now_ms: int, name: str, *, argument: str | None = None, is_view: bool = False) -> None:
        self._event_id += 1
        if self._texts.dialect == "documented":
            addresses = ""
            if is_view:
                first, last = self._addresses
                addresses = page_view_addresses(url=self._url, first_source_url=first, last_source_url=last)
            event = documented_web_event(name, self._identity, argument=argument, addresses=addresses)
        else:
            ids = ""
            if self._with_ids:
                ids = event_ids(
                    device_id=self._cookies.user_id, event_id=self._event_id, insert_id=self._random.uuid()
                )
            event = web_event(name, self._identity, url=self._url, argument=argument, ids=ids)
        if not self._window:
            closes_ms = self._closes_ms = now_ms + WINDOW_MS - (now_ms - self._loaded_ms) % WINDOW_MS
            if closes_ms < self.next_ms:
                self.next_ms = closes_ms
        self._window.append(event)

    def tick(self, now_ms: int) -> None:
        """Close the window whose time has come; send what may be sent."""
        if self._window and now_ms >= self._closes_ms:
            self._waiting.append(self._window)
            self._window = []
        waiting = self._waiting
        while waiting and now_ms >= self._answered_ms:
            texts = self._texts
            body = log_events(texts.dialect, texts.head, waiting.popleft())
            self._append((now_ms, self._number, self._code, body, None))
            self._answered_ms = now_ms + texts.answers_after_ms
        self.next_ms = self._closes_ms if self._window else NEVER_MS
        if waiting and self._answered_ms < self.next_ms:
            self.next_ms = self._answered_ms
