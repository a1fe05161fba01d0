"""A run directory keeps what it was given, through interruptions, and refuses what is not its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator import rundir
from simulator.errors import InputError, UsageError
from simulator.histogram import Histogram
from simulator.records import OUTCOME_DTYPE


def rows(count: int, first: int = 0) -> np.ndarray:
    made = np.zeros(count, dtype=OUTCOME_DTYPE)
    made["row"] = np.arange(first, first + count)
    made["id"] = [f"{number:036d}".encode() for number in range(first, first + count)]
    return made


def test_outcomes_come_back_in_worker_order(tmp_path):
    rundir.write_outcomes(tmp_path, 1, rows(3, first=10))
    rundir.write_outcomes(tmp_path, 0, rows(2))
    assert rundir.read_outcomes(tmp_path)["row"].tolist() == [0, 1, 10, 11, 12]


def test_outcomes_are_readable_by_numpy_itself_after_every_append(tmp_path):
    with rundir.OutcomeWriter(tmp_path, 0) as writer:
        for first in range(0, 30, 10):
            writer.append(rows(10, first=first))
            assert np.array_equal(np.load(rundir.outcomes_file(tmp_path, 0)), rows(first + 10))


def test_rows_survive_a_writer_that_is_killed(tmp_path):
    code = (
        "import os, signal, sys, numpy as np; from pathlib import Path\n"
        "from simulator.rundir import OutcomeWriter; from simulator.records import OUTCOME_DTYPE\n"
        "OutcomeWriter(Path(sys.argv[1]), 0).append(np.ones(1000, dtype=OUTCOME_DTYPE))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, check=False)
    assert len(rundir.read_outcomes(tmp_path)) == 1000


def test_a_torn_last_row_is_left_out(tmp_path):
    rundir.write_outcomes(tmp_path, 0, rows(5))
    file = rundir.outcomes_file(tmp_path, 0)
    os.truncate(file, file.stat().st_size - 7)
    assert rundir.read_outcomes(tmp_path)["row"].tolist() == [0, 1, 2, 3]


def test_a_header_that_is_behind_does_not_hide_rows(tmp_path):
    rundir.write_outcomes(tmp_path, 0, rows(2))
    with rundir.outcomes_file(tmp_path, 0).open("ab") as file:
        file.write(rows(3, first=2).tobytes())
    assert rundir.read_outcomes(tmp_path)["row"].tolist() == [0, 1, 2, 3, 4]


def test_an_outcome_file_has_its_header_from_the_first_moment_and_is_nobody_elses(tmp_path, monkeypatch):
    seen = []
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, name: (seen.append(np.load(path)), rename(path, name)))
    with rundir.OutcomeWriter(tmp_path, 0), pytest.raises(FileExistsError):
        rundir.OutcomeWriter(tmp_path, 0)
    assert [len(found) for found in seen] == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["outcomes-0000.npy"]


def test_an_empty_run_has_no_outcomes(tmp_path):
    rundir.write_outcomes(tmp_path, 0, rows(0))
    assert len(rundir.read_outcomes(tmp_path)) == 0


@pytest.mark.parametrize("data", [b"", b"not numpy", b"\x93NUMPY\x01\x00"])
def test_a_foreign_file_is_named(tmp_path, data):
    (tmp_path / "outcomes-0000.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"outcomes-0000\.npy"):
        rundir.read_outcomes(tmp_path)


def test_outcomes_of_another_record_are_refused(tmp_path):
    np.save(tmp_path / "outcomes-0000.npy", np.zeros(3))
    with pytest.raises(InputError, match="format version"):
        rundir.read_outcomes(tmp_path)
    with rundir.OutcomeWriter(tmp_path, 1) as writer, pytest.raises(TypeError):
        writer.append(np.zeros(3))


def test_run_meta_comes_back(tmp_path):
    histogram = Histogram()
    histogram.record(123_456)
    meta = rundir.RunMeta(
        corpus=rundir.CorpusRef(name="smoke", sha256="00", records=7, dialect="wire"),
        options={"users": 3, "host": "http://127.0.0.1:1"},
        workers=[rundir.WorkerHealth(index=0, cpu_share=0.5)],
        histograms=rundir.Distributions(service=rundir.Distribution(total=histogram.pack())),
        stages={"parse": rundir.StageSum(sum_ms=1.5, count=3)},
    )
    rundir.write_run_meta(tmp_path, meta)
    assert rundir.read_run_meta(tmp_path) == meta
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_a_directory_that_holds_a_run_is_refused(tmp_path):
    fresh = rundir.create_run_directory(tmp_path / "runs" / "one")
    rundir.create_run_directory(fresh)
    rundir.write_outcomes(fresh, 0, rows(1))
    with pytest.raises(UsageError, match="already holds a run"):
        rundir.create_run_directory(fresh)


def test_a_file_is_no_run_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        rundir.create_run_directory(tmp_path / "file")
    with pytest.raises(UsageError, match="cannot make"):
        rundir.create_run_directory(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "not a run directory"),
        ("{", "cannot be read"),
        ('{"format": 99}', "format 99"),
        ('{"pings": "x"}', "cannot"),
    ],
)
def test_bad_run_json_is_explained(tmp_path, text, said):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=said):
        rundir.read_run_meta(tmp_path)


def test_a_run_that_was_killed_counts_as_interrupted(tmp_path):
    rundir.write_outcomes(tmp_path, 0, rows(1))
    assert rundir.read_run_meta(tmp_path) == rundir.RunMeta(interrupted=True)


def test_the_next_free_run_directory_is_claimed_by_making_it(tmp_path):
    made = [rundir.claim_run_directory("c", below=tmp_path / "runs").name for _ in range(3)]
    assert made == ["c-1", "c-2", "c-3"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make the run directory"):
        rundir.claim_run_directory("c", below=tmp_path / "file")
