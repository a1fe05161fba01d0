"""Sourcegraph's browser extension and native integrations: what each logs, and reports when it breaks.

Nothing is buffered and nothing is sent again: each logged event is its own request, made at once, errors swallowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from simulator.catalogue import ping_types
from simulator.client.outbox import Outbox
from simulator.corpus.rows import Kind
from simulator.corpus.standing import Requests
from simulator.pings.sourcegraph.browser_extension_telemetry.action_telemetry import (
    documented_event,
    log_event,
    log_user_event,
)
from simulator.pings.sourcegraph.browser_extension_telemetry.error_logging_sentry import (
    ENVELOPE_SDK_VERSION,
    STORE_SDK_VERSION,
    exception_object,
    sdk_object,
    sentry_envelope_base64,
    sentry_event,
    tags_object,
)
from simulator.pings.sourcegraph.browser_extension_telemetry.utm_markers import marked_link, markers
from simulator.population.developer import DOTCOM_URL, DeveloperProfile
from simulator.population.script_errors import ScriptError
from simulator.randomness import Stream
from simulator.scenario.sourcegraph import UtmPlace
from simulator.wire import Address, graphql, sentry_envelope, sentry_store

Ints = npt.NDArray[np.int64]

#: The event names that the logger lets through, with the use that each counts as (facts, OTHERS A4).
LOGGED_NAMES: Mapping[str, str] = {
    "hover": "CODEINTELINTEGRATION",
    "goToDefinition": "CODEINTELINTEGRATION",
    "goToDefinition.preloaded": "CODEINTELINTEGRATION",
    "findReferences": "CODEINTELINTEGRATIONREFS",
}

#: The view that comes up with a file. Assumption: only the form of these events is known, not the titles.
_FILE_VIEW = "ViewFile"

#: A browser's own words for a string body and for any answer: the extension sets neither header itself.
_BROWSER_HEADERS = {"Accept": "*/*", "Content-Type": "text/plain;charset=UTF-8"}

_USER_AGENTS = {
    "chrome-extension": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/96.0.4664.45 Safari/537.36",
    "firefox-extension": "Mozilla/5.0 (X11; Linux x86_64; rv:95.0) Gecko/20100101 Firefox/95.0",
    "safari-extension": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/15.1 Safari/605.1.15",
}


def telemetry_is_enabled(platform: str, sourcegraph_url: str, *, send_telemetry: bool) -> bool:
    """The enable rule: not in Firefox, or a self-hosted instance, or `Send telemetry` is on.

    Args:
        platform: what the extension calls itself; a native integration is no extension in any browser.
        sourcegraph_url: the connected instance, with or without a slash at the end.
        send_telemetry: the option of the extension's popup.
    """
    return (
        platform != "firefox-extension" or sourcegraph_url.removesuffix("/") != DOTCOM_URL or send_telemetry
    )


class FileFact(IntEnum):
    """What can happen on a file that is read on a code host."""

    #: The file came up.
    OPENED = 0
    #: The overlay came up for a token and had nothing to show.
    EMPTY_OVERLAY = 1
    #: The overlay came up and showed something.
    OVERLAY = 2
    #: The overlay, which was up already, showed something about another token.
    HOVER = 3
    #: Clicks in the overlay.
    DEFINITION = 4
    PRELOADED_DEFINITION = 5
    REFERENCES = 6


class ExtensionTexts:
    """What the extensions of a cohort share: kind codes, which differ by the header that names the platform.

    Args:
        outbox: where the pings go.
        later_clients: whether the wire dialect is that of September 2022. Then every action id passes the
            logger and `logUserEvent` is gone. Before, only `LOGGED_NAMES` passed, although the document says
            that every action is logged: the documented dialect keeps to the document, the wire to the client.
    """

    def __init__(self, outbox: Outbox, *, later_clients: bool) -> None:
        self.outbox = outbox
        self.dialect = outbox.dialect
        self.later = later_clients and outbox.dialect == "wire"
        self.sdk = sdk_object(ENVELOPE_SDK_VERSION if self.later else STORE_SDK_VERSION)
        self._codes: dict[tuple[str, str, str], int] = {}
        self.error_code = self._error_code()

    def user_event_code(self, profile: DeveloperProfile) -> int:
        """The kind code of logUserEvent for a developer's platform and version; only the wire has it."""
        return self._code_of(profile, "sourcegraph_log_user_event", "logUserEvent")

    def event_code(self, profile: DeveloperProfile) -> int:
        """The kind code of logEvent for a developer's platform and version."""
        return self._code_of(profile, "sourcegraph_log_event", "logEvent")

    def _code_of(self, profile: DeveloperProfile, ping: str, operation: str) -> int:
        key = (ping, profile.platform, profile.extension_version)
        code = self._codes.get(key)
        if code is None:
            said = f"Sourcegraph - {profile.platform} v{profile.extension_version}"
            headers = {**_BROWSER_HEADERS, "X-Requested-With": said}
            code = self._codes[key] = self._code(ping, graphql(operation), headers)
        return code

    def _error_code(self) -> int:
        if self.later:
            headers = {"Content-Type": "text/plain;charset=UTF-8"}
            return self._code("sentry_event", sentry_envelope(), headers, base64=True)
        return self._code("sentry_event", sentry_store(), {})

    def _code(self, ping: str, address: Address, headers: dict[str, str], *, base64: bool = False) -> int:
        row = ping_types()[ping]
        route = row.routes[self.dialect]
        return self.outbox.kinds.code(Kind(ping, row.product, route, address, headers=headers, base64=base64))


class ExtensionSender:
    """One developer's extension, or native integration. Told of files and actions, it decides what is logged.

    Args:
        profile: whose.
        texts: shared by the cohort.
        random: for the ids of error reports.
    """

    __slots__ = (
        "_append",
        "_bodies",
        "_enabled",
        "_number",
        "_on_files",
        "_outbox",
        "_profile",
        "_random",
        "_reports",
        "_texts",
    )

    def __init__(self, profile: DeveloperProfile, texts: ExtensionTexts, random: Stream) -> None:
        self._profile = profile
        self._number = profile.number
        self._texts = texts
        self._random = random
        self._outbox = texts.outbox
        self._append = texts.outbox.rows.append
        self._bodies: dict[str, Requests] = {}
        self._on_files: int | None = None
        self._enabled = telemetry_is_enabled(
            profile.platform, profile.instance_url, send_telemetry=profile.send_telemetry
        )
        # Not in native integrations: they run in somebody else's page (facts, OTHERS A11).
        self._reports = profile.allow_error_reporting and not profile.is_native

    def read_files(self, from_ms: int, moments_ms: Ints, facts: Ints) -> None:
        """Files were read on a code host, one after the other.

        Args:
            from_ms: what the moments count from, in milliseconds since the Unix epoch.
            moments_ms: when things happened on the files, in milliseconds after that, in order.
            facts: what happened then, `FileFact` numbers.
        """
        if not self._enabled:
            return
        if self._on_files is None:
            self._on_files = self._outbox.standing.register(self._number, self._made_on_files())
        self._outbox.standing.tell(
            from_ms, moments_ms, self._on_files, facts, after_rows=len(self._outbox.rows)
        )

    def _made_on_files(self) -> list[Requests]:
        """What each `FileFact` makes.

        The document logs a hover "when successfully showing non-empty/non-error hover information". The client
        logs one more whenever its overlay comes up, whatever it then shows. A view of the extension that comes up
        with a file is logged by logEvent alone; the document has no such event.
        """
        hover = self._requests("hover")
        overlay, view = (hover, self._requests(_FILE_VIEW)) if self._texts.dialect == "wire" else ((), ())
        made: dict[int, Requests] = {
            FileFact.OPENED: view,
            FileFact.EMPTY_OVERLAY: overlay,
            FileFact.OVERLAY: overlay + hover,
            FileFact.HOVER: hover,
            FileFact.DEFINITION: self._requests("goToDefinition"),
            FileFact.PRELOADED_DEFINITION: self._requests("goToDefinition.preloaded"),
            FileFact.REFERENCES: self._requests("findReferences"),
        }
        return [made[fact] for fact in FileFact]

    def action(self, now_ms: int, action_id: str) -> None:
        """An action was clicked, in the overlay, the command palette or the code view's toolbar."""
        self._log(now_ms, action_id)

    def link(self, place: UtmPlace, path: str, *, query: str = "") -> str:
        """The address, from the instance's root, of a link that the extension shows.

        Args:
            place: where it shows it.
            path: of the page.
            query: the page's own parameters.
        """
        marker = markers(place, self._profile.platform, later=self._texts.later)
        return marked_link(place, path, marker, query=query)

    def _log(self, now_ms: int, name: str) -> None:
        if not self._enabled:
            return
        bodies = self._bodies.get(name)
        if bodies is None:
            bodies = self._bodies[name] = self._requests(name)
        append, number = self._append, self._number
        for code, body in bodies:
            append((now_ms, number, code, body, None))

    def _requests(self, name: str) -> Requests:
        """The requests that an event makes: kind code and payload, which are the same each time."""
        profile, texts = self._profile, self._texts
        event_code = texts.event_code(profile)
        user_id, url, platform = profile.extension_user_id, profile.instance_url, profile.platform
        if texts.dialect == "documented":
            body = documented_event(name, anonymous_user_id=user_id, sourcegraph_url=url, platform=platform)
            return ((event_code, body),)
        event = (
            event_code,
            log_event(
                name,
                anonymous_user_id=user_id,
                sourcegraph_url=url,
                platform=platform,
                later_version=profile.extension_version if texts.later else None,
            ),
        )
        if texts.later:
            return (event,)
        # logEvent was skipped for this very URL, until the day after the document's last change.
        events = () if url == DOTCOM_URL else (event,)
        if name.startswith("View"):
            return events
        if name not in LOGGED_NAMES:
            return ()
        use = log_user_event(LOGGED_NAMES[name], anonymous_user_id=user_id)
        return ((texts.user_event_code(profile), use), *events)

    def error(self, now_ms: int, error: ScriptError, *, page_url: str) -> None:
        """A script of the extension broke.

        Args:
            now_ms: when.
            error: how.
            page_url: the page that content scripts run in.
        """
        if not self._reports:
            return
        profile, texts = self._profile, self._texts
        origin = profile.extension_origin
        document_id = self._random.uuid()
        event_id = document_id.replace("-", "")
        event = sentry_event(
            event_id,
            now_ms,
            exception=exception_object(error, origin=origin),
            sdk=texts.sdk,
            tags=tags_object(
                error,
                extension_version=profile.extension_version,
                code_host=profile.code_host,
                using_dot_com=profile.using_dot_com,
            ),
            page_url=page_url if error.script == "content" else f"{origin}/{error.script}.html",
            user_agent=_USER_AGENTS[profile.platform],
        )
        body = f'"{sentry_envelope_base64(event_id, now_ms, event)}"' if texts.later else event
        self._append((now_ms, self._number, texts.error_code, body, document_id))
