"""telsim: simulated people behind product telemetry, their pings, and what became of every one.

From Python: `simulate`, `ping`, `corrupt`, `validate`, `open_corpus`; `help(simulator.api)` shows how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.api import Corpus, Ping, Problem, corrupt, open_corpus, ping, simulate, validate

__version__ = "0.1.0"

__all__ = [
    "Corpus",
    "Ping",
    "Problem",
    "__version__",
    "corrupt",
    "open_corpus",
    "ping",
    "simulate",
    "validate",
]


if not TYPE_CHECKING:  # for whom every name would be there

    def __getattr__(name: str) -> object:
        """Import the Python interface when it is first asked for: `import simulator` itself loads nothing."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from simulator import api

        return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
