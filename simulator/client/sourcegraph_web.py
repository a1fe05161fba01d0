"""Sourcegraph's web application: actions and page views in windows of one second, each sent as one LogEvents.

Sends follow each other: a batch waits for the answer to the one before. There is no second try, and the client's
error handler sits outside the stream of windows: after the first failed batch a page sends nothing more until it
is loaded again. A replay that wants to be as forgiving as the client drops the rest of a page after a failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from simulator.catalogue import ping_types
from simulator.client.outbox import Outbox
from simulator.clock import MS_PER_DAY, utc
from simulator.corpus.rows import Kind
from simulator.pings.sourcegraph.action_telemetry import (
    documented_action_rest,
    documented_view_rest,
    event_ids,
    log_events_ends,
    web_event_head,
    web_identity,
    wire_rest,
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
        self.begin, self.end = log_events_ends(outbox.dialect)
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

    def argument(self, argument: str) -> str:
        """An action's argument (JSON text) as a JSON string."""
        text = self._arguments.get(argument)
        if text is None:
            text = self._arguments[argument] = quoted(argument)
        return text


class WebSender:
    """One developer's web application. It is told of page loads, navigation and actions, in order, and of the end.

    It may be told of them ahead of the simulated clock: a window is given out, with the time at which it is sent,
    as soon as an event comes that lies behind it.

    Args:
        profile: whose.
        texts: shared by the cohort.
        random: for insert ids, and ids of new visitors.
    """

    __slots__ = (
        "_answered_ms",
        "_append",
        "_around_url",
        "_closes_ms",
        "_code",
        "_cookies",
        "_event_id",
        "_heads",
        "_identity",
        "_instance",
        "_loaded_ms",
        "_number",
        "_plain_rest",
        "_random",
        "_texts",
        "_url",
        "_window",
        "_with_ids",
    )

    def __init__(self, profile: DeveloperProfile, texts: WebTexts, random: Stream) -> None:
        self._number = profile.number
        self._instance = profile.instance_url
        self._texts = texts
        self._random = random
        self._append = texts.outbox.rows.append
        self._code = texts.code(profile.instance_url)
        self._with_ids = texts.dialect == "wire" and (profile.using_dot_com or texts.later)
        self._cookies = WebCookies(profile, random)
        self._identity = ""
        self._heads: dict[str, str] = {}
        self._around_url = ("", "")
        self._plain_rest = documented_action_rest(None) if texts.dialect == "documented" else ""
        self._url = ""
        self._event_id = 0
        self._loaded_ms = 0
        self._closes_ms = 0
        self._answered_ms = 0
        self._window = ""

    def load_page(self, now_ms: int, path: str, title: str, *, link: str = "", referrer: str = "") -> None:
        """The application is loaded: windows and event ids begin anew.

        Args:
            now_ms: when; the page before has to be left.
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
        self._heads = {}
        first = self._cookies.first_source_url
        self._identity = web_identity(
            self._texts.dialect,
            anonymous_user_id=self._cookies.user_id,
            instance_url=self._instance,
            cohort_id=self._cookies.cohort_id,
            first_source_url=first,
            last_source_url=entered,
            referrer=referrer,
        )
        if self._texts.dialect == "documented":
            self._around_url = documented_view_rest(first_source_url=first, last_source_url=entered)
        else:
            self._around_url = wire_rest(argument=None, ids="")
        self._view(now_ms, entered, title)
        if link:
            self._go_to(self._instance + path)

    def navigate(self, now_ms: int, path: str, title: str) -> None:
        """Another page of the application is shown, without loading the application again."""
        self._view(now_ms, self._instance + path, title)

    def action(self, now_ms: int, action_id: str, argument: str) -> None:
        """An action was executed.

        Args:
            now_ms: when.
            action_id: of the application or of an extension, which are treated alike.
            argument: its arguments as JSON text, logged only where the caller opted in.
        """
        texts = self._texts
        if action_id in texts.opted_in:
            self._log(now_ms, action_id, self._rest(texts.argument(argument)))
        else:
            self._log(now_ms, action_id, self._plain_rest or self._rest(None))

    def leave(self) -> int:
        """The tab is closed, when everything is sent.

        Returns:
            When the last window is sent, in milliseconds since the Unix epoch; 0 where none was open.
        """
        last_ms = self._send() if self._window else 0
        self._window = ""
        self._closes_ms = 0
        return last_ms

    def _view(self, now_ms: int, url: str, title: str) -> None:
        rest = self._go_to(url)
        self._log(now_ms, f"View{title}", rest or self._rest(None))

    def _go_to(self, url: str) -> str:
        """Make ready what the events of a page share: the rest of its view, empty where events have their own ids.

        On the wire that is the rest of actions, too.
        """
        self._url = url
        if self._with_ids:
            return ""
        before, after = self._around_url
        rest = f"{before}{url}{after}"
        if self._texts.dialect == "wire":
            self._plain_rest = rest
        return rest

    def _rest(self, argument: str | None) -> str:
        """What an event of its own has behind its head."""
        if self._texts.dialect == "documented":
            return documented_action_rest(argument)
        ids = ""
        if self._with_ids:
            self._event_id += 1
            ids = event_ids(
                device_id=self._cookies.user_id, event_id=self._event_id, insert_id=self._random.uuid()
            )
        before, after = wire_rest(argument=argument, ids=ids)
        return f"{before}{self._url}{after}"

    def _log(self, now_ms: int, name: str, rest: str) -> None:
        head = self._heads.get(name)
        if head is None:
            head = self._heads[name] = web_event_head(name, self._identity)
        if now_ms < self._closes_ms:
            self._window = f"{self._window},{head}{rest}"
            return
        if self._window:
            self._send()
        self._window = f"{self._texts.begin}{head}{rest}"
        self._closes_ms = now_ms + WINDOW_MS - (now_ms - self._loaded_ms) % WINDOW_MS

    def _send(self) -> int:
        """Give out the open window: it is sent when it closes, and when the answer to the one before is there."""
        due_ms, answered_ms, texts = self._closes_ms, self._answered_ms, self._texts
        if due_ms < answered_ms:
            due_ms = answered_ms
        self._append((due_ms, self._number, self._code, self._window + texts.end, None))
        self._answered_ms = due_ms + texts.answers_after_ms
        return due_ms
