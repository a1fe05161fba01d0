"""The one-way rule: a module imports only from layers below its own, and forbidden things only where they belong."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "simulator"

LAYERS = {
    0: {"errors", "records", "randomness", "clock", "distributions", "shipped"},
    1: {"scenario", "catalogue", "target", "pacing", "histogram", "thresholds", "guard", "wire"},
    2: {
        "population",
        "pings",
        "messaging",
        "nimbus",
        "client",
        "behaviour",
        "faults",
        "corpus",
        "tape",
        "rundir",
    },
    3: {"simulation", "reconcile", "check", "capacity", "hotpath"},
    4: {"engine", "endpoint", "report", "export", "drill"},
    5: {"cli", "fixtures", "api", "__init__", "__main__"},
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names}

#: The order inside layer 2: who acts, who watches, who writes.
WITHIN_2 = ["corpus", "population", "pings", "messaging", "nimbus", "client", "behaviour"]

ONLY_IN = {
    "simpy": {"behaviour", "simulation"},
    "random": set(),
    "uuid": set(),
    "secrets": set(),
    "locust": set(),
    "gevent": set(),
    "faker": {"population"},
    "uvicorn": {"endpoint"},
    "sqlite3": {"endpoint", "reconcile"},
    "typer": {"cli"},
}


def modules() -> list[Path]:
    return sorted(
        path for path in PACKAGE.rglob("*.py") if "shipped" not in path.relative_to(PACKAGE).parts[:-1]
    )


def top_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """Imported module names, and whether they are imported for type checkers only."""
    typing_only = {
        id(node)
        for block in nodes(path)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "simulator":
                found += [(f"simulator.{alias.name}", id(node) in typing_only) for alias in node.names]
            else:
                found.append((node.module, id(node) in typing_only))
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    top = top_of(path)
    assert top in LAYER_OF, f"{top} has no layer: give it one"
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] != "simulator" or len(parts) < 2 or parts[1] in {top, "__version__"}:
            continue
        other = parts[1]
        assert other in LAYER_OF, f"{other} has no layer"
        assert LAYER_OF[other] <= LAYER_OF[top], f"{path}: {top} (layer {LAYER_OF[top]}) imports {other}"
        if LAYER_OF[other] == LAYER_OF[top] == 2 and top in WITHIN_2 and other in WITHIN_2:
            assert WITHIN_2.index(other) < WITHIN_2.index(top), f"{path}: {top} imports {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_where_they_belong(path: Path) -> None:
    top = top_of(path)
    for name, typing_only in imports(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or typing_only or top in allowed, f"{path} imports {name}"


def test_wall_clock_is_read_at_the_edge_only() -> None:
    allowed = {"clock", "endpoint"}
    for path in modules():
        if top_of(path) in allowed:
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow"}, (
                    f"{path}: {called}"
                )


def test_top_level_holds_what_was_agreed() -> None:
    agreed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "uv.lock",
        "simulator",
        "scenarios",
        "locustfiles",
        "tests",
    }
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    made = {"dist", "build", "corpus", "runs"}
    assert agreed <= there
    assert {name for name in there - agreed - made if not name.endswith(".egg-info")} == set()
