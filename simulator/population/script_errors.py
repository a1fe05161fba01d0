"""What goes wrong in a browser extension's scripts: a pool of errors. Invented, in the shape of real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Script = Literal["background", "content", "options"]


@dataclass(frozen=True, slots=True)
class ScriptError:
    """An error as it can happen in the extension.

    Args:
        script: which of the extension's scripts it happens in.
        type: the exception's class.
        value: its message.
        mechanism: how it was caught, a Sentry mechanism type.
        frames: (file below the extension's root, function, line, column), outermost first.
    """

    script: Script
    type: str
    value: str
    mechanism: str
    frames: tuple[tuple[str, str, int, int], ...]


_BACKGROUND = "js/background.bundle.js"
_CONTENT = "js/inject.bundle.js"
_OPTIONS = "js/options.bundle.js"

SCRIPT_ERRORS: tuple[ScriptError, ...] = (
    ScriptError(
        "background",
        "TypeError",
        "Failed to fetch",
        "onunhandledrejection",
        ((_BACKGROUND, "?", 1, 912_004), (_BACKGROUND, "requestGraphQL", 1, 81_213)),
    ),
    ScriptError(
        "content",
        "TypeError",
        "Cannot read properties of null (reading 'querySelector')",
        "onerror",
        (
            (_CONTENT, "?", 1, 640_377),
            (_CONTENT, "handleCodeHost", 1, 511_846),
            (_CONTENT, "getCodeElementFromLine", 1, 498_120),
        ),
    ),
    ScriptError(
        "content",
        "Error",
        "Extension context invalidated.",
        "onunhandledrejection",
        ((_CONTENT, "?", 1, 640_377), (_CONTENT, "storageGet", 1, 77_015)),
    ),
    ScriptError(
        "options",
        "SyntaxError",
        "Unexpected token < in JSON at position 0",
        "onunhandledrejection",
        ((_OPTIONS, "checkConnection", 1, 204_417),),
    ),
)
