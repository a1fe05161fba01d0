"""Section "List of Planned Events": all 22 pairs of method and object, and which of them have a value.

Records have four items where there is no value, never a trailing null, and never extra keys: none are registered,
so one would make the record invalid (facts B1, B3). Both dialects write the same.
"""

from __future__ import annotations

from typing import Final, Literal

from simulator.pings.containers.event_record import event_fragment

CATEGORY: Final = "secure.proxy"
#: Add-ons' events are kept under this process, whichever recorded them.
PROCESS: Final = "dynamic"

Button = Literal["toggleButton", "stateButton"]

OBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "general": (
        "otherProxyInUse",
        "settingsShown",
        "loadingError",
        "install",
        "update",
        "proxyEnabled",
        "proxyDisabled",
    ),
    "fxa": ("authStarted", "authCompleted", "authFailed"),
    "networking": ("407", "429", "connecting", "proxyDown"),
    "settings_url_clicks": (
        "manageAccount",
        "helpAndSupport",
        "cloudflare",
        "privacyPolicy",
        "termsAndConditions",
        "giveUsFeedback",
    ),
    "webRTC": ("ignoreTab", "exemptTab"),
}
WITH_VERSION: Final = frozenset({"install", "update"})
WITH_BUTTON: Final = frozenset({"proxyEnabled", "proxyDisabled"})


def secure_proxy_event(method: str, object_: str, value: str | None = None) -> str:
    """An event of the extension without its time.

    Args:
        method: one of `OBJECTS`.
        object_: one of the method's.
        value: the extension's version for install and update, the button for enabling and disabling.

    Raises:
        ValueError: the document has no such event, or gives it no such value.
    """
    if object_ not in OBJECTS.get(method, ()):
        raise ValueError(f"the document lists no {method}/{object_}")
    if (value is not None) != (object_ in WITH_VERSION | WITH_BUTTON):
        raise ValueError(f"{method}/{object_} {'needs a' if value is None else 'has no'} value")
    if object_ in WITH_BUTTON and value not in {"toggleButton", "stateButton"}:
        raise ValueError(f"{method}/{object_} names the button, not {value!r}")
    return event_fragment(CATEGORY, method, object_, value)
