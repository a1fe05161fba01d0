"""What can happen while a corpus is made: a full disk, dead workers, a clock set back, Ctrl-C, impossible sizes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from survival_kit import children_of, digest, scenario_file, started, telsim

from simulator.corpus import open_corpus
from simulator.engine import generate
from simulator.engine.executors import process_pool
from simulator.engine.room import only_writer
from simulator.errors import CorpusError
from simulator.scenario import parse_scenario
from simulator.simulation import Plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of an undisturbed run."""
    directory = tmp_path_factory.mktemp("good")
    done = telsim("generate", scenario_file(directory), "--out", directory / "corpus")
    return digest(done.stdout)


def no_corpus(directory: Path) -> None:
    """Nothing there can be taken for a corpus, and nothing half-written is left."""
    assert not (directory / "corpus.json").exists()
    assert not list(directory.glob("*.partial"))
    done = telsim("check", directory)
    assert done.returncode == 2
    assert "no corpus there" in done.stderr or "corpus.json" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_told_and_leaves_no_corpus(tmp_path: Path, good: str, workers: int) -> None:
    """The kernel refuses to let any file grow beyond 150 kB, which is less than a part has."""
    scenario, corpus = scenario_file(tmp_path), tmp_path / "corpus"
    limit = 150_000
    done = telsim(
        *("generate", scenario, "--out", corpus, "--workers", workers),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2
    assert "the disk is full after" in done.stderr
    no_corpus(corpus)
    again = telsim("generate", scenario, "--out", corpus)
    assert digest(again.stdout) == good, "once there is space, the same directory takes the same corpus"


def test_a_disk_that_fills_up_is_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.engine.room._free_bytes", lambda _: 1_000_000)
    text = scenario_file(tmp_path).read_text()
    scenario = parse_scenario(text)
    with pytest.raises(CorpusError, match=r"12 parts of about .* MB need .* MB more, and 1\.0 MB are free"):
        generate(Plan(scenario, 3, "wire"), tmp_path / "corpus", scenario_text=text)
    assert not (tmp_path / "corpus" / "corpus.json").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--clients", 100_000_000, "--duration", "365d"), "100,000,000 clients for 365 days at about"),
        (("--clients", 20_000_000, "--duration", "28d", "--workers", 4), "need"),
    ],
)
def test_impossible_sizes_are_refused_with_the_arithmetic_before_anything_is_written(
    tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    done = telsim("generate", "smoke", "--out", tmp_path / "corpus", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "are free" in done.stderr
    assert not (tmp_path / "corpus").exists()


def test_more_workers_than_memory_are_refused_with_the_arithmetic(tmp_path: Path) -> None:
    huge = scenario_file(tmp_path)
    huge.write_text(huge.read_text().replace("cohort_clients = 10", "cohort_clients = 100000"))
    options = ("--clients", 100_000_000, "--workers", 1024)
    done = telsim("generate", huge, "--out", tmp_path / "corpus", *options)
    assert done.returncode == 2
    assert "1,000 workers with 100,000 clients in a cohort need about 1.7 TB of memory" in done.stderr
    assert not (tmp_path / "corpus").exists()


def test_a_number_of_clients_beyond_all_limits_is_a_scenario_error(tmp_path: Path) -> None:
    done = telsim("generate", "smoke", "--out", tmp_path / "corpus", "--clients", 10**15)
    assert done.returncode == 2
    assert "clients" in done.stderr


def test_a_killed_worker_costs_time_and_nothing_else(tmp_path: Path) -> None:
    text = scenario_file(tmp_path).read_text().replace("clients = 120", "clients = 1200")
    scenario = tmp_path / "longer.toml"
    scenario.write_text(text)
    whole = digest(telsim("generate", scenario, "--out", tmp_path / "whole").stdout)
    corpus = tmp_path / "corpus"
    with started("generate", scenario, "--out", corpus, "--workers", 2) as process:
        victim = wait_for(lambda: children_of(process.pid) if list(corpus.glob("*.ndjson")) else [])
        os.kill(victim[0], signal.SIGKILL)
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert digest(out) == whole
    assert telsim("check", corpus).returncode == 0


def wait_for(look: object, seconds: float = 60.0) -> list[int]:
    """Ask until there is an answer. The pause only spares the processor; nothing depends on its length."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():  # type: ignore[operator]
            return found  # type: ignore[no-any-return]
        time.sleep(0.005)
    raise AssertionError("it never happened")


def test_workers_that_keep_dying_are_given_up_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator.engine import executors
    from simulator.errors import TelsimError

    monkeypatch.setattr(executors, "write_part", _die)
    scenario = parse_scenario(scenario_file(tmp_path).read_text())
    with pytest.raises(TelsimError, match=r"died 3 times while making part 0 \(clients 0 to 9\)"):
        generate(
            Plan(scenario, 3, "wire"),
            tmp_path / "corpus",
            scenario_text="",
            workers=2,
            executor=process_pool(2),
        )
    assert not (tmp_path / "corpus" / "corpus.json").exists()


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_clock_set_back_changes_nothing(tmp_path: Path, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock runs backwards here, from 2038 on; a corpus knows only the times of its scenario."""
    backwards = iter(range(2**31 * 10**9, 0, -(10**12)))
    monkeypatch.setattr(time, "time_ns", lambda: next(backwards))
    monkeypatch.setattr(time, "time", lambda: next(backwards) / 1e9)
    scenario = parse_scenario(scenario_file(tmp_path).read_text())
    meta = generate(Plan(scenario, scenario.seed, scenario.dialect), tmp_path / "corpus", scenario_text="")
    assert meta.sha256 == good


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_leaves_no_corpus(tmp_path: Path, workers: int, number: signal.Signals) -> None:
    text = scenario_file(tmp_path).read_text().replace("clients = 120", "clients = 20000")
    scenario = tmp_path / "longer.toml"
    scenario.write_text(text)
    corpus = tmp_path / "corpus"
    with started("generate", scenario, "--out", corpus, "--workers", workers, process_group=0) as process:
        wait_for(lambda: [1] if list(corpus.glob("*.ndjson")) else [])
        workers_there = children_of(process.pid)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # what a terminal does
        else:
            process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in error
    assert not (corpus / "corpus.json").exists()
    assert telsim("check", corpus).returncode == 2, "half a corpus is none"
    wait_for(lambda: [1] if not any(Path(f"/proc/{pid}").exists() for pid in workers_there) else [])
    small = scenario_file(tmp_path)
    assert telsim("generate", small, "--out", corpus).returncode == 0, "the directory can be used again"
    assert len(open_corpus(corpus)) > 0


def test_a_worker_that_is_stopped_holds_up_no_end(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path)
    scenario.write_text(scenario.read_text().replace("clients = 120", "clients = 20000"))
    corpus = tmp_path / "corpus"
    with started("generate", scenario, "--out", corpus, "--workers", 2) as process:
        workers = wait_for(lambda: children_of(process.pid) if list(corpus.glob("*.ndjson")) else [])
        os.kill(workers[0], signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGINT
    assert not (corpus / "corpus.json").exists()


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path)
    scenario.write_text(scenario.read_text().replace("clients = 120", "clients = 20000"))
    corpus = tmp_path / "corpus"
    with started("generate", scenario, "--out", corpus, "--workers", 2) as process:
        wait_for(lambda: [1] if list(corpus.glob("*.ndjson")) else [])
        workers = children_of(process.pid)
        process.kill()
        process.communicate(timeout=60)  # their ends of the pipes are closed, so they are gone
    assert workers
    wait_for(lambda: [1] if not any(Path(f"/proc/{pid}").exists() for pid in workers) else [])
    assert telsim("check", corpus).returncode == 2


def test_a_corpus_is_replaced_only_when_asked(tmp_path: Path) -> None:
    scenario, corpus = scenario_file(tmp_path), tmp_path / "corpus"
    first = telsim("generate", scenario, "--out", corpus)
    refused = telsim("generate", scenario, "--out", corpus, "--seed", 4)
    assert refused.returncode == 2
    assert "already holds a corpus" in refused.stderr
    assert open_corpus(corpus).meta.sha256 == digest(first.stdout)
    replaced = telsim("generate", scenario, "--out", corpus, "--seed", 4, "--force")
    assert open_corpus(corpus).meta.sha256 == digest(replaced.stdout) != digest(first.stdout)


def test_two_at_once_in_one_directory_are_refused(tmp_path: Path) -> None:
    with only_writer(tmp_path / "corpus"):
        second = telsim("generate", scenario_file(tmp_path), "--out", tmp_path / "corpus", "--force")
    assert second.returncode == 2
    assert "another telsim is writing" in second.stderr
    assert telsim("generate", scenario_file(tmp_path), "--out", tmp_path / "corpus").returncode == 0


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    done = telsim("generate", scenario_file(tmp_path), "--out", tmp_path, "--force")
    assert done.returncode == 2
    assert precious.read_text() == "years of work"


def test_a_file_in_the_directorys_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("")
    done = telsim("generate", scenario_file(tmp_path), "--out", tmp_path / "corpus" / "inside")
    assert done.returncode == 2
    assert "cannot be used for a corpus" in done.stderr


def test_output_into_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    with started("scenarios", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait(60)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
