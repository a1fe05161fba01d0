"""What a store holds after a death at any stage of a write: whole groups, each of them or none, and all their ids."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from endpoint_kit import ROUTE, uid

from simulator.endpoint.ledger import entries
from simulator.endpoint.message import Decision
from simulator.endpoint.store import Store, Submission
from simulator.endpoint.stored import read_pings

SIZES = (1, 30, 2, 100, 7)
#: Ids before each group, so that a group's ids are `range(*STARTS[n : n + 2])`.
STARTS = tuple(sum(SIZES[:n]) for n in range(len(SIZES) + 1))


def payload(number: int) -> bytes:
    return b'{"number":%d,"rest":"%b"}' % (number, b"x" * (number % 7) * 300)


def decisions(group: int) -> list[Decision]:
    return [
        Decision(uid(number), "ok", ROUTE, payload(number)) for number in range(*STARTS[group : group + 2])
    ]


def fill(path: Path) -> Store:
    """A store with every group in its log and none in its file, still open."""
    written = Store(path, settle=lambda _group: None)
    for group in range(len(SIZES)):
        written._write([Submission(decisions(group))])
    return written


def groups_of(path: Path) -> int:
    """How many groups a store holds, after a look that they are whole, and known to whoever opens it."""
    store = Store(path, settle=lambda _group: None)
    try:
        count = store.totals().batches
        seen: list[Decision] = []
        store._judge([one for group in range(len(SIZES)) for one in decisions(group)], [], seen, [])
    finally:
        store.close()
    assert [one.id for one in seen] == [uid(number) for number in range(STARTS[count])]
    found = [(ping.id, ping.payload) for ping in read_pings(path)]
    assert found == [(uid(number), payload(number)) for number in range(STARTS[count])]
    numbered = [json.loads(line)["seq"] for line in entries(path, after=0, limit=1000)]
    assert numbered == list(range(1, STARTS[count] + 1))
    return count


def test_every_beginning_of_the_log_holds_whole_groups(tmp_path):
    """A process dies in the middle of its writes to the log; what it wrote is a beginning of what it would have."""
    written = fill(tmp_path / "s")
    log = (tmp_path / "s-wal").read_bytes()
    file = (tmp_path / "s").read_bytes()
    written.close()
    page = int.from_bytes(log[8:12], "big")
    found = []
    for length in sorted(
        {0, 31, 32, *(32 + n * (page + 24) + more for n in range(200) for more in (0, 10, 5000))}
    ):
        if length > len(log):
            break
        directory = tmp_path / str(length)
        directory.mkdir()
        (directory / "s").write_bytes(file)
        (directory / "s-wal").write_bytes(log[:length])
        found.append(groups_of(directory / "s"))
        shutil.rmtree(directory)
    assert found == sorted(found)
    assert set(found) == set(range(len(SIZES) + 1))


def test_a_checkpoint_may_stop_at_any_page(tmp_path):
    written = fill(tmp_path / "s")
    log = (tmp_path / "s-wal").read_bytes()
    before = (tmp_path / "s").read_bytes()
    written.close()
    after = (tmp_path / "s").read_bytes()
    page = int.from_bytes(after[16:18], "big")
    for copied in range(len(after) // page + 1):
        directory = tmp_path / str(copied)
        directory.mkdir()
        (directory / "s").write_bytes(after[: copied * page] + before[copied * page :])
        (directory / "s-wal").write_bytes(log)
        assert groups_of(directory / "s") == len(SIZES)
        shutil.rmtree(directory)


STAGES = ["BEGIN", "INSERT INTO groups", "INSERT INTO duplicates", "COMMIT", "settle"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_sigkill_before_a_stage_of_a_commit(tmp_path, stage):
    """The second group has a duplicate, so its commit has every stage there is."""
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from test_store_crash import decisions
        from simulator.endpoint.store import Store, Submission

        stage = sys.argv[2]
        def die(statement):
            if statement.strip().startswith(stage):
                os.kill(os.getpid(), signal.SIGKILL)

        store = Store(Path(sys.argv[1]), settle=lambda group: None)
        store._write([Submission(decisions(0))])
        store._file.database.set_trace_callback(die)
        store._write([Submission(decisions(1) + decisions(0))])
        die("settle")
        """
    )
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parent))
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s"), stage],
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    committed = 2 if stage == "settle" else 1
    assert groups_of(tmp_path / "s") == committed
    with closing(sqlite3.connect(tmp_path / "s")) as database:
        assert database.execute("SELECT count(*) FROM duplicates").fetchone() == (committed - 1,)
