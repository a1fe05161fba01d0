import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.engine.executors import dask_cluster
from simulator.errors import UsageError
from simulator.scenario import load_scenario
from simulator.simulation import Plan

pytestmark = pytest.mark.slow


def plan() -> tuple[Plan, str]:
    scenario, text = load_scenario("smoke", overrides={"clients": 40, "cohort_clients": 8})
    return Plan(scenario, 7, "wire"), text


def test_a_dask_cluster_makes_the_same_corpus(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    smoke, text = plan()
    alone = generate(smoke, tmp_path / "alone", scenario_text=text)
    told: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as cluster:
        clustered = generate(
            smoke,
            tmp_path / "clustered",
            scenario_text=text,
            workers=2,
            executor=dask_cluster(cluster.scheduler_address),
            progress=lambda done, _parts, _pings: told.append(done),
        )
    assert clustered.sha256 == alone.sha256
    assert told == [1, 2, 3, 4, 5]
    assert len(open_corpus(tmp_path / "clustered")) == alone.records


def test_a_scheduler_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    smoke, text = plan()
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        generate(
            smoke, tmp_path / "c", scenario_text=text, workers=2, executor=dask_cluster("tcp://127.0.0.1:9")
        )
    assert not (tmp_path / "c" / "corpus.json").exists()


@pytest.mark.parametrize(("more_threads", "how"), [(0, "fork"), (1, "spawn")])
def test_only_a_process_with_one_thread_is_forked(more_threads: int, how: str) -> None:
    """A fork takes over locks that its other threads held, and nobody lets go of them."""
    program = f"""
import threading
from simulator.engine.executors import _context
over = threading.Event()
for _ in range({more_threads}):
    threading.Thread(target=over.wait).start()
print(_context().get_start_method())
over.set()
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == how
