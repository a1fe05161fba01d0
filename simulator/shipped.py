"""The scenarios and locustfiles that come with telsim, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_directory(name: str) -> Path:
    """The directory `scenarios` or `locustfiles`: inside the wheel's package, or beside it in a checkout."""
    inside = _PACKAGE / "shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def locustfile_path() -> Path:
    """The locustfile that replays a corpus."""
    return shipped_directory("locustfiles") / "replay.py"


def shipped_scenarios() -> dict[str, Path]:
    """Every shipped scenario by its name, sorted."""
    return {path.stem: path for path in sorted(shipped_directory("scenarios").glob("*.toml"))}
