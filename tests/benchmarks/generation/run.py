"""How fast corpora are made: by product, dialect, workers and clients, beside bare SimPy and schema fakers.

Every figure comes from a process of its own, medians over rounds in which all contestants take turns, so that
ratios hold whatever else the machine does. Run it:

    python tests/benchmarks/generation/run.py            # some minutes
    python tests/benchmarks/generation/run.py --tiny     # once each, small: only that nothing is broken
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
FAKER_JS = """
const jsf = require('json-schema-faker'); const schema = JSON.parse(require('fs').readFileSync(process.argv[2]));
const make = jsf.JSONSchemaFaker || jsf.default || jsf; const fake = s => (make.generate || make)(s);
const count = +process.argv[3]; for (let i = 0; i < count / 10; i++) fake(schema);
const begin = process.hrtime.bigint(); let bytes = 0;
for (let i = 0; i < count; i++) bytes += JSON.stringify(fake(schema)).length;
console.log(JSON.stringify({ pings: count, seconds: Number(process.hrtime.bigint() - begin) / 1e9, bytes }));
"""


def generation(arguments: argparse.Namespace) -> dict[str, float]:
    """Make a corpus on disk, index and digest included."""
    from simulator.engine import generate
    from simulator.scenario import load_scenario
    from simulator.simulation import Plan

    overrides: dict[str, object] = {"clients": arguments.clients, "dialect": arguments.dialect}
    if arguments.duration:
        overrides["duration"] = arguments.duration
    scenario, text = load_scenario(arguments.scenario, overrides=overrides)
    plan = Plan(scenario, scenario.seed, scenario.dialect)
    with tempfile.TemporaryDirectory(prefix="telsim-bench-") as directory:
        began, cpu = time.perf_counter(), time.process_time()
        meta = generate(plan, Path(directory) / "corpus", scenario_text=text, workers=arguments.workers)
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "pings": meta.records,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "bytes": meta.bytes,
        "peak_mb": peak / 1024,
    }


def bare_simpy(arguments: argparse.Namespace) -> dict[str, float]:
    """The same number of timeouts, and nothing else."""
    import gc

    import simpy

    env = simpy.Environment()

    def wait() -> object:
        for _ in range(100):
            yield env.timeout(10)

    for _ in range(arguments.clients // 100):
        env.process(wait())
    gc.disable()
    began = time.perf_counter()
    env.run()
    return {"pings": arguments.clients, "seconds": time.perf_counter() - began}


def jsf(arguments: argparse.Namespace) -> dict[str, float]:
    """Documents from the events schema by jsf."""
    from jsf import JSF

    fake = JSF(events_schema())
    fake.generate()
    began = time.perf_counter()
    size = sum(len(json.dumps(fake.generate())) for _ in range(arguments.clients))
    return {"pings": arguments.clients, "seconds": time.perf_counter() - began, "bytes": size}


def check(arguments: argparse.Namespace) -> dict[str, float]:
    """Validate every record of a corpus."""
    from simulator.check import check_corpus

    began = time.perf_counter()
    result = check_corpus(Path(arguments.scenario))
    return {"pings": result.checked, "seconds": time.perf_counter() - began}


def opening(arguments: argparse.Namespace) -> dict[str, float]:
    """Open a corpus and touch its index, as replay does."""
    from simulator.corpus import open_corpus

    began = time.perf_counter()
    corpus = open_corpus(Path(arguments.scenario))
    touched = sum(int(part.index["length"].sum()) for part in corpus.parts)
    return {"pings": len(corpus), "seconds": time.perf_counter() - began, "bytes": touched}


CONTESTANTS = {
    "generation": generation,
    "bare_simpy": bare_simpy,
    "jsf": jsf,
    "check": check,
    "opening": opening,
}


def events_schema() -> dict[str, object]:
    """The events schema without our dispatch on event names, which schema fakers cannot follow."""
    from simulator.catalogue import load_schemas

    whole = dict(load_schemas("wire").schema("activity-stream/events/1"))
    keep = {"properties", "required", "type"}
    base = whole if whole.get("properties") else whole["$defs"]["topsite_click"]  # type: ignore[index]
    return {key: value for key, value in base.items() if key in keep}  # type: ignore[attr-defined]


def child(contestant: str, **options: object) -> dict[str, float]:
    """One figure from one fresh process."""
    command = [sys.executable, __file__, "--child", contestant]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as the telsim command sets it
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def json_schema_faker(directory: Path, count: int) -> dict[str, float] | None:
    """The same documents by json-schema-faker; None where there is no Node or it cannot be installed."""
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    if not (directory / "node_modules").exists():
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "json-schema-faker@0.5.9"]
        if subprocess.run(install, cwd=directory, check=False, capture_output=True).returncode:
            return None
        (directory / "fake.js").write_text(FAKER_JS)
        (directory / "schema.json").write_text(json.dumps(events_schema()))
    done = subprocess.run(
        ["node", "fake.js", "schema.json", str(count)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def apart(count: int, **options: object) -> dict[str, float]:
    """Several processes at once that share nothing: what this machine has for as many workers."""
    with ThreadPoolExecutor(count) as pool:
        figures = list(pool.map(lambda _: child("generation", **options), range(count)))
    return {
        "pings": sum(figure["pings"] for figure in figures),
        "seconds": max(figure["seconds"] for figure in figures),
    }


def rate(figures: list[dict[str, float]]) -> float:
    return median(figure["pings"] / figure["seconds"] for figure in figures)


def show(name: str, figures: list[dict[str, float]], base: float | None = None) -> float:
    """Print one line of the table: rate, and its ratio to a base of the same run."""
    value = rate(figures)
    peak = max(figure.get("peak_mb", 0) for figure in figures)
    ratio = f"{value / base:8.2f}" if base else " " * 8
    memory = f"{peak:7.0f} MB" if peak else ""
    print(f"{name:<46}{value:>12,.0f}/s{ratio}  {memory}", flush=True)
    return value


def same_day(figures: dict[str, list[dict[str, float]]], wire: str, documented: str) -> None:
    """Both dialects tell the same day, in different numbers of pings."""
    seconds, pings = (
        median(figure[what] for figure in figures[documented])
        / median(figure[what] for figure in figures[wire])
        for what in ("seconds", "pings")
    )
    print(
        f"  {documented}: {pings:.2f} of the pings in {seconds:.2f} of the time that wire takes for the same days"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=CONTESTANTS)
    parser.add_argument("--scenario", default="mixed-fleet")
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--dialect", default="wire")
    parser.add_argument("--duration", default="")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(CONTESTANTS[arguments.child](arguments)))
        return
    table(tiny=arguments.tiny, rounds=1 if arguments.tiny else arguments.rounds)


def table(*, tiny: bool, rounds: int) -> None:
    clients = 40 if tiny else 2_000
    fake = 200 if tiny else 20_000
    runs = {
        "mixed-fleet, wire, one process": {"scenario": "mixed-fleet", "clients": clients},
        "mixed-fleet, documented": {"scenario": "mixed-fleet", "clients": clients, "dialect": "documented"},
        "newtab-day": {"scenario": "newtab-day", "clients": clients},
        "newtab-day, documented": {"scenario": "newtab-day", "clients": clients, "dialect": "documented"},
        "secure-proxy-week": {"scenario": "secure-proxy-week", "clients": max(clients // 4, 20)},
        "sourcegraph-team": {"scenario": "sourcegraph-team", "clients": max(clients // 20, 4)},
        "nimbus-rollout": {"scenario": "nimbus-rollout", "clients": clients},
    }
    # Twice as long, so that each of two workers has the work of the lines above. Of several gigabytes a virtual machine
    # gets the page cache from its host while they are written, which is not what is measured here.
    long = {"scenario": "mixed-fleet", "clients": 2 * clients}
    by_workers = {
        "mixed-fleet, twice the clients": long,
        "the same in two processes": {**long, "workers": 2},
    }
    two_apart: list[dict[str, float]] = []
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in runs | by_workers}
    simpy_s: list[dict[str, float]] = []
    fakers: dict[str, list[dict[str, float]]] = {"jsf": [], "json-schema-faker": []}
    with tempfile.TemporaryDirectory(prefix="telsim-bench-node-") as node:
        for _ in range(rounds):
            for name, options in (runs | by_workers).items():
                figures[name].append(child("generation", **options))
            two_apart.append(apart(2, **(long | {"clients": clients})))
            simpy_s.append(child("bare_simpy", clients=20_000 if tiny else 1_000_000))
            fakers["jsf"].append(child("jsf", clients=fake // 4))
            found = json_schema_faker(Path(node), fake)
            if found:
                fakers["json-schema-faker"].append(found)
    print(f"{'':<46}{'pings':>14}   ratio")
    first = next(iter(runs))
    base = rate(figures[first])
    for name in runs:
        show(name, figures[name], base)
    same_day(figures, "mixed-fleet, wire, one process", "mixed-fleet, documented")
    same_day(figures, "newtab-day", "newtab-day, documented")
    one = None
    for name in by_workers:
        one = show(name, figures[name], one) if one else show(name, figures[name])
    show("two processes that share nothing", two_apart, rate(figures[next(iter(by_workers))]))
    show("bare SimPy timeouts", simpy_s, base)
    for name, found_figures in fakers.items():
        if found_figures:
            value = show(f"events ping, {name}", found_figures)
            print(f"  mixed-fleet, one process, is {base / value:.1f} times that")
        else:
            print(f"events ping, {name}: not measured (no Node here, or it could not be installed)")
    flat(tiny=tiny)


def flat(*, tiny: bool) -> None:
    """The cost a ping and the memory must not grow with the number of clients."""
    sizes = (100, 200) if tiny else (10_000, 100_000)
    duration = "1h"
    first = None
    for clients in sizes:
        figure = child("generation", scenario="mixed-fleet", clients=clients, duration=duration)
        value = show(f"mixed-fleet, {clients:,} clients for {duration}", [figure], first)
        first = first or value
    with tempfile.TemporaryDirectory(prefix="telsim-bench-") as directory:
        path = Path(directory) / "corpus"
        command = [sys.executable, "-m", "simulator", "generate", "mixed-fleet", "--out", str(path)]
        subprocess.run([*command, "--clients", "40" if tiny else "1000"], check=True, capture_output=True)
        show("check", [child("check", scenario=path)])
        show("corpus opening", [child("opening", scenario=path)])


if __name__ == "__main__":
    main()
