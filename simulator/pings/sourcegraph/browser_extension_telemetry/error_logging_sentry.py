"""Section "Error logging (Sentry)": an error of the extension's own scripts, as @sentry/browser reports it.

Both dialects have the event itself, which 6.13.2 posts bare to the store endpoint. The envelope of later
clients (7.8.1) is three lines and not JSON (facts, OTHERS A11).
"""

from __future__ import annotations

import base64

from simulator.clock import utc
from simulator.pings.text import compact, quoted
from simulator.population.script_errors import ScriptError

STORE_SDK_VERSION = "6.13.2"
ENVELOPE_SDK_VERSION = "7.8.1"

_INTEGRATIONS = (
    "InboundFilters",
    "FunctionToString",
    "TryCatch",
    "Breadcrumbs",
    "GlobalHandlers",
    "LinkedErrors",
    "Dedupe",
)
#: The integration that adds the page's address and user agent, by the name of each version.
_ADDRESS_INTEGRATION = {STORE_SDK_VERSION: "UserAgent", ENVELOPE_SDK_VERSION: "HttpContext"}


def sdk_object(version: str) -> str:
    """The `sdk` of an event."""
    return compact(
        {
            "name": "sentry.javascript.browser",
            "version": version,
            "integrations": [*_INTEGRATIONS, _ADDRESS_INTEGRATION[version]],
            "packages": [{"name": "npm:@sentry/browser", "version": version}],
        }
    )


def exception_object(error: ScriptError, *, origin: str) -> str:
    """The `exception` of an event; every frame lies in the extension's files, or the error would not be sent.

    Args:
        error: what went wrong.
        origin: where the browser serves the extension's files: scheme, extension id, no slash at the end.
    """
    frames = [
        {
            "filename": f"{origin}/{file}",
            "function": function,
            "in_app": True,
            "lineno": line,
            "colno": column,
        }
        for file, function, line, column in error.frames
    ]
    return compact(
        {
            "values": [
                {
                    "type": error.type,
                    "value": error.value,
                    "stacktrace": {"frames": frames},
                    "mechanism": {"handled": False, "type": error.mechanism},
                }
            ]
        }
    )


def tags_object(
    error: ScriptError, *, extension_version: str, code_host: str | None, using_dot_com: bool
) -> str:
    """The `tags` of an event: where it happened, never to whom.

    Args:
        error: what went wrong.
        extension_version: of the extension's manifest.
        code_host: type of the code host that a content script runs on; other scripts have none.
        using_dot_com: whether the connected instance is sourcegraph.com.
    """
    tags = {"script": error.script, "extension_version": extension_version}
    if code_host is not None and error.script == "content":
        tags["code_host"] = code_host
    return compact({**tags, "using_dot_com": "true" if using_dot_com else "false"})


def sentry_event(
    event_id: str, at_ms: int, *, exception: str, sdk: str, tags: str, page_url: str, user_agent: str
) -> str:
    """One error report.

    Args:
        event_id: 32 lower-case hexadecimal digits.
        at_ms: when, milliseconds since the Unix epoch.
        exception: from `exception_object`.
        sdk: from `sdk_object`.
        tags: from `tags_object`.
        page_url: the page that the script runs in.
        user_agent: of the browser.
    """
    return (
        f'{{"exception":{exception},"level":"error","event_id":"{event_id}","platform":"javascript",'
        f'"timestamp":{at_ms // 1_000}.{at_ms % 1_000:03d},"environment":"production","sdk":{sdk},"tags":{tags},'
        f'"request":{{"url":{quoted(page_url)},"headers":{{"User-Agent":{quoted(user_agent)}}}}}}}'
    )


def sentry_envelope_base64(event_id: str, at_ms: int, event: str) -> str:
    """An event in its envelope, as base64 text: header, item header, event, no newline at the end.

    Args:
        event_id: as in the event.
        at_ms: when it is sent, milliseconds since the Unix epoch.
        event: from `sentry_event`.
    """
    sent_at = utc(at_ms).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ms % 1_000:03d}Z"
    head = compact(
        {
            "event_id": event_id,
            "sent_at": sent_at,
            "sdk": {"name": "sentry.javascript.browser", "version": ENVELOPE_SDK_VERSION},
        }
    )
    lines = f'{head}\n{{"type":"event","sample_rates":[{{}}]}}\n{event}'
    return base64.b64encode(lines.encode("ascii")).decode("ascii")
