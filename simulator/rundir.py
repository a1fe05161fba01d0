"""A run directory: what a replay leaves behind, written so that an interrupted run keeps everything it had.

    run.json            RunMeta: what ran, where, with which options; what the generator measured
    outcomes-NNNN.npy   one row a ping (records.OUTCOME_DTYPE), one file a worker, grown while the run goes on
    summary.json        the accounting and the verdict (simulator.reconcile)
    report.html, junit.xml

The outcomes are NumPy's own format. A worker appends to its file and then renews the row count in the header;
a reader counts rows by the size of the file, so rows written before a SIGKILL are read although the header is
behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.errors import Finding, InputError, UsageError
from simulator.histogram import PackedHistogram
from simulator.records import OUTCOME_DTYPE, RUN_FORMAT

RUN_FILE = "run.json"
SUMMARY_FILE = "summary.json"
REPORT_FILE = "report.html"
JUNIT_FILE = "junit.xml"

Outcomes = npt.NDArray[np.void]

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER_BYTES = 256  # fixed, so that the row count can be renewed in place
_PREFIX = len(_MAGIC) + 2


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that made the load."""

    cpus: int = 0
    platform: str = ""


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """The software that made the load."""

    telsim: str = ""
    locust: str = ""
    python: str = ""


class CorpusRef(msgspec.Struct, frozen=True, kw_only=True):
    """The corpus that was replayed: its folder's name (never a whole path), how to know and to remake it."""

    name: str = ""
    sha256: str = ""
    records: int = 0
    dialect: str = ""
    scenario: str = ""
    seed: int = 0
    clients: int = 0
    duration_ms: int = 0


class TargetRef(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint: the target profile's name and the host. Never headers, tokens or credentials."""

    name: str = ""
    host: str = ""


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """When requests were due.

    Args:
        model: `max`, `rate`, `poisson`, `ramp` or `schedule`.
        text: the option as the user typed it.
        open_loop: whether requests had a due time of their own, so that corrected latency means something.
        requests_per_s: the rate that was asked for, where there is one number for it.
    """

    model: str = "max"
    text: str = "max"
    open_loop: bool = False
    requests_per_s: float | None = None


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How late a worker's event loop ran, in milliseconds."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class WorkerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker measured of itself.

    Args:
        index: number of the worker, from 0.
        cpu_share: CPU seconds used per second of the measured window (1.0: one core, always busy).
        loop_lag_ms: how late its event loop woke up.
        late_starts: requests that left later than the lateness budget after they were due.
        never_started: requests that were due and never left.
        in_flight_at_end: requests without an answer when the worker was stopped.
        requests, pings: what it sent.
    """

    index: int
    cpu_share: float = 0.0
    loop_lag_ms: Lag = Lag()
    late_starts: int = 0
    never_started: int = 0
    in_flight_at_end: int = 0
    requests: int = 0
    pings: int = 0


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """One duration's histogram over all requests, and by the bounded set of request names."""

    total: PackedHistogram = PackedHistogram()
    by_name: dict[str, PackedHistogram] = {}


class Distributions(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of requests inside the measured window.

    Args:
        service: from the real send to the answer.
        corrected: from the due time to the answer (the same as `service` in a closed loop).
        lateness: from the due time to the real send.
    """

    service: Distribution = Distribution()
    corrected: Distribution = Distribution()
    lateness: Distribution = Distribution()


class TimeSeries(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in each second of the run; element i is second `first_s + i` of the Unix epoch."""

    first_s: int = 0
    requests: list[int] = []
    pings: list[int] = []
    failures: list[int] = []
    p50_ms: list[float] = []
    p99_ms: list[float] = []


class RunError(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of trouble: how often, and the beginning of one answer as an example (untrusted text)."""

    message: str
    count: int
    status: int = 0
    example: str = ""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What this generator reaches against a null sink with the same request bytes and as many workers."""

    requests_per_s: float
    pings_per_s: float


class StageSum(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds that the endpoint says it spent in one stage (`Server-Timing`), over `count` answers."""

    sum_ms: float
    count: int


class RunMeta(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`. Times are nanoseconds since the Unix epoch; `measured_*` bound the window without warm-up.

    Args:
        interrupted: stopped by a signal before the pacing or the corpus was at its end.
        bytes_sent: bytes of all requests inside the window, heads included.
        options: everything else that was asked for, as the command line gave it; secrets are left out.
        errors: a bounded number of distinct messages.
    """

    format: int = RUN_FORMAT
    versions: Versions = Versions()
    machine: Machine = Machine()
    corpus: CorpusRef = CorpusRef()
    target: TargetRef = TargetRef()
    options: dict[str, Any] = {}
    command: list[str] = []
    pacing: Pacing = Pacing()
    batch_size: int = 1
    started_ns: int = 0
    ended_ns: int = 0
    measured_from_ns: int = 0
    measured_to_ns: int = 0
    interrupted: bool = False
    requests: int = 0
    pings: int = 0
    bytes_sent: int = 0
    workers: list[WorkerHealth] = []
    histograms: Distributions = Distributions()
    time_series: TimeSeries = TimeSeries()
    errors: list[RunError] = []
    calibration: Calibration | None = None
    stages: dict[str, StageSum] = {}


def create_run_directory(path: Path) -> Path:
    """Makes `path` and its parents.

    Raises:
        UsageError: `path` is a file, or already holds a run.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; a run needs a directory of its own")
    if holds_run(path):
        raise UsageError(f"{path} already holds a run; name another directory or remove it first")
    make_directory(path, what="the run directory")
    return path


def make_directory(path: Path, *, what: str = "the directory") -> None:
    """Makes `path` and its parents where they are not there yet.

    Raises:
        UsageError: it cannot be made, or nothing can be written there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {what} {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {what} {path}: Permission denied")


def claim_run_directory(name: str, below: Path = Path("runs")) -> Path:
    """Makes the next free one of `NAME-1`, `NAME-2`, ...; two processes never get the same.

    Raises:
        UsageError: no directory can be made there.
    """
    for number in count(1):
        path = below / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"cannot make the run directory {path}: {error.strerror}") from error
        return path
    raise AssertionError("there is always one more number")


def holds_run(path: Path) -> bool:
    """Whether `path` holds a run, be it whole or interrupted."""
    return (path / RUN_FILE).exists() or any(path.glob("outcomes-*.npy"))


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces the file at `path`: a reader sees the old contents or the new, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    beside.write_bytes(data)
    beside.replace(path)


def write_run_meta(path: Path, meta: RunMeta) -> None:
    """Writes `run.json` into the run directory `path`, replacing an older one; one line for each key."""
    encode = msgspec.json.encode
    fields = (encode(name) + b": " + encode(getattr(meta, name)) for name in RunMeta.__struct_fields__)
    write_atomically(path / RUN_FILE, b"{\n" + b",\n".join(fields) + b"\n}\n")


def read_run_meta(path: Path) -> RunMeta:
    """Reads `run.json` from the run directory `path`.

    A run that was killed before it could write the file, but left outcomes, counts as interrupted.

    Raises:
        InputError: there is neither, the file is not JSON, or it has another format version.
    """
    file = path / RUN_FILE
    if not file.exists() and holds_run(path):
        return RunMeta(interrupted=True)
    try:
        meta = msgspec.json.decode(file.read_bytes(), type=RunMeta)
    except OSError as error:
        raise InputError(f"{path} is not a run directory: {file.name}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{file} cannot be read", [Finding(str(file), str(error))]) from error
    if meta.format != RUN_FORMAT:
        raise InputError(f"{file} has format {meta.format}; this telsim reads format {RUN_FORMAT}")
    return meta


def outcomes_file(path: Path, worker: int) -> Path:
    """Where worker number `worker` keeps its outcomes."""
    return path / f"outcomes-{worker:04d}.npy"


def _header(rows: int) -> bytes:
    described = {
        "descr": np.lib.format.dtype_to_descr(OUTCOME_DTYPE),
        "fortran_order": False,
        "shape": (rows,),
    }
    text = repr(described).encode("latin1")
    padded = text.ljust(_HEADER_BYTES - _PREFIX - 1) + b"\n"
    if len(padded) != _HEADER_BYTES - _PREFIX:
        raise ValueError("the outcome record outgrew the fixed header")
    return _MAGIC + len(padded).to_bytes(2, "little") + padded


class OutcomeWriter:
    """Appends one worker's outcomes to its file; whatever was appended survives the death of the process.

    Args:
        path: the run directory.
        worker: number of the worker, from 0.
    """

    def __init__(self, path: Path, worker: int) -> None:
        file = outcomes_file(path, worker)
        # Readers look at running workers too: the file has its name only when it has its header.
        nameless = file.with_suffix(".begun")
        if file.exists():
            raise FileExistsError(f"{file}: worker {worker} has written outcomes before")
        self._file: BinaryIO = nameless.open("wb", buffering=0)
        self._file.write(_header(0))
        nameless.rename(file)
        self.rows = 0

    def append(self, rows: Outcomes) -> None:
        """Adds rows of `OUTCOME_DTYPE`. Call it every second or so, not for every ping."""
        if rows.dtype != OUTCOME_DTYPE:
            raise TypeError(f"outcomes are rows of OUTCOME_DTYPE, not of {rows.dtype}")
        data = memoryview(rows.tobytes())
        while data:
            data = data[self._file.write(data) :]
        self.rows += len(rows)
        self._file.seek(0)
        self._file.write(_header(self.rows))
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Closes the file. Nothing is lost without it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_outcomes(path: Path, worker: int, rows: Outcomes) -> None:
    """Writes all outcomes of one worker at once.

    Raises:
        FileExistsError: the worker has written before.
    """
    with OutcomeWriter(path, worker) as writer:
        writer.append(rows)


def outcome_parts(path: Path) -> Iterator[Outcomes]:
    """The outcomes of each worker in turn, memory-mapped.

    Raises:
        InputError: a file is not an outcome file of this format version.
    """
    for file in sorted(path.glob("outcomes-*.npy")):
        yield _mapped(file)


def _mapped(file: Path) -> Outcomes:
    with file.open("rb") as opened:
        try:
            version = np.lib.format.read_magic(opened)
            if version != (1, 0):
                raise ValueError(f"NumPy format {version}")
            _, _, dtype = np.lib.format.read_array_header_1_0(opened)
        except (ValueError, EOFError) as error:
            raise InputError(f"{file} is not an outcome file: {error}") from error
        offset = opened.tell()
    if dtype != OUTCOME_DTYPE:
        raise InputError(f"{file} has outcomes of another format version; replay again with this telsim")
    rows = (file.stat().st_size - offset) // OUTCOME_DTYPE.itemsize
    if not rows:
        return np.empty(0, dtype=OUTCOME_DTYPE)
    return np.memmap(file, dtype=OUTCOME_DTYPE, mode="r", offset=offset, shape=(rows,))


def read_outcomes(path: Path) -> Outcomes:
    """All outcomes of a run, worker after worker, in memory (86 bytes a ping)."""
    parts = list(outcome_parts(path))
    return np.concatenate(parts) if parts else np.empty(0, dtype=OUTCOME_DTYPE)
