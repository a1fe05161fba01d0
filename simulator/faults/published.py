"""Which rules of the shipped wire schemas the published pipeline schemas have too.

The shipped ones are tighter: they also say what the client sends, and a real pipeline takes much that no client sends.
A ping that is labelled to be rejected must break a rule that holds there as well, so faults are drawn from these
places only. Sources: facts, FIREFOX 1.1, 1.3, 2.1 to 2.6, 8.5, 8.6 and C6; for Sentry its protocol (OTHERS A11). What
those do not say for certain is not here. GraphQL's wire schemas are the server's own, so all of their rules hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulator.faults.fault import Subject

#: Document type to places in it.
_Places = Mapping[str, tuple[str, ...]]


def _below(name: str, keys: str) -> tuple[str, ...]:
    return tuple(f"{name}.{key}" for key in keys.split())


_MESSAGING = ("event", "addon_version", "version", "locale")
_MESSAGE = (*_MESSAGING, "client_id", "message_id")
_BUILD = "architecture buildId platformVersion vendor version xpcomAbi"
#: The parts that all legacy pings share: an environment may be missing, but not be there in part.
_LEGACY = (
    *("type", "id", "creationDate", "version", "application"),
    *_below("application", _BUILD + " channel name"),
    *_below("environment", "build partner settings system"),
    *_below("environment.build", _BUILD + " applicationId applicationName"),
)
_SESSION = "client_id addon_version version locale page session_id session_duration profile_creation_date"
_GLEAN_CLIENT = "app_build app_display_version architecture first_run_date os os_version telemetry_sdk_build"


#: Document type to the keys that must be there; a key inside of lists stands without their positions.
_REQUIRED: _Places = {
    "activity-stream/events": ("event", "client_id", "addon_version", "version", "locale"),
    "activity-stream/sessions": (*_SESSION.split(), "user_prefs", "perf", "perf.load_trigger_type"),
    "activity-stream/impression-stats": (
        *("impression_id", "addon_version", "locale", "page", "user_prefs", "tiles"),
        "tiles.id",
    ),
    "activity-stream/pocket-button": (
        *("impression_id", "version", "locale", "pocket_logged_in_status", "events"),
        "events.action",
    ),
    "contextual-services/topsites-impression": ("context_id", "tile_id", "version"),
    "contextual-services/topsites-click": ("context_id", "tile_id", "version"),
    # One of two identities, and message_id or bucket_id: of the latter both are there, so that one may go.
    "messaging-system/cfr": (*_MESSAGING, "client_id", "impression_id"),
    "messaging-system/moments": (*_MESSAGING, "client_id", "impression_id"),
    "messaging-system/undesired-events": (*_MESSAGING, "impression_id"),
    "messaging-system/infobar": _MESSAGE,
    "messaging-system/spotlight": _MESSAGE,
    "messaging-system/snippets": _MESSAGE,
    "messaging-system/onboarding": _MESSAGE,
    "messaging-system/whats-new-panel": _MESSAGE,
    "telemetry/event": _LEGACY,
    "telemetry/main": _LEGACY,
    "glean/glean": (
        *("ping_info", "client_info"),
        *_below("ping_info", "seq start_time end_time"),
        *_below("client_info", _GLEAN_CLIENT),
    ),
    "sentry/event": ("timestamp", "platform"),
}
#: To the keys whose values are listed. Most are free text, `event` among them.
_LISTED: _Places = {
    "activity-stream/events": ("page",),
    "activity-stream/sessions": ("perf.load_trigger_type",),
    "activity-stream/pocket-button": ("events.action",),
    "contextual-services/topsites-impression": ("source",),
    "contextual-services/topsites-click": ("source",),
    "messaging-system/snippets": ("source",),
    "telemetry/event": ("type",),
    "telemetry/main": ("type",),
}
#: To the numbers that have limits.
_LIMITED: _Places = {"glean/glean": ("events.timestamp",)}

_HOLDS: Mapping[str, _Places] = {
    "missing_required": _REQUIRED,
    "unknown_enum": _LISTED,
    "out_of_range": _LIMITED,
}
#: The identifiers whose form is prescribed, in whichever document they stand.
_FORMED = ("client_id", "clientId", "impression_id", "context_id", "session_id", "client_info.client_id")
#: The document types that refuse a second identity; the others take any further key.
_ONE_IDENTITY = ("messaging-system/cfr", "messaging-system/moments")


def is_published(subject: Subject, path: Iterable[str | int], code: str) -> bool:
    """Whether a real pipeline too refuses a ping whose value at a place breaks such a rule.

    Args:
        subject: the ping.
        path: the place in its document.
        code: short code of the rejection.
    """
    if _schemas_are_all_there_is(subject):
        return True
    place = ".".join(step for step in path if isinstance(step, str))
    if code == "pattern_mismatch":
        return place in _FORMED
    return code not in _HOLDS or place in _HOLDS[code].get(_doctype(subject), ())


def forbids_two_identities(subject: Subject) -> bool:
    """Whether a real pipeline too refuses a ping of this type that has both client id and impression id."""
    return _schemas_are_all_there_is(subject) or _doctype(subject) in _ONE_IDENTITY


def _schemas_are_all_there_is(subject: Subject) -> bool:
    """The documented dialect is nobody's pipeline, and somebody else's schemas are what they are."""
    return subject.schemas.name != "wire" or subject.carrier == "graphql"


def _doctype(subject: Subject) -> str:
    return subject.route.rpartition("/")[0]
