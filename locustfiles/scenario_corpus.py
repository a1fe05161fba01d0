"""A scenario in place of a corpus: every machine of a distributed run makes the same corpus for itself.

Scenario and telsim's version decide every byte, so workers need not be sent anything but the scenario's name; each
then takes its shard as of any other corpus. What was made is kept for the next run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gevent

from simulator import __version__
from simulator.corpus import Corpus, open_corpus
from simulator.errors import CorpusError, InputError, TelsimError
from simulator.shipped import shipped_scenarios


def is_scenario(text: str) -> bool:
    """Whether `--corpus` names a scenario: a TOML file, or a shipped scenario where no directory has that name."""
    path = Path(text)
    return path.suffix == ".toml" or (not path.exists() and text in shipped_scenarios())


def open_beside(path: Path) -> Corpus:
    """Opens a corpus in a thread: thousands of parts take seconds, in which a worker must go on answering its master.

    Raises:
        CorpusError: it is missing, unfinished, damaged or of another format version.
    """

    def opened() -> Corpus | TelsimError:
        try:
            return open_corpus(path)
        except TelsimError as error:
            return error  # gevent would print the trace of whatever a thread raises

    found = gevent.get_hub().threadpool.apply(opened)
    if isinstance(found, TelsimError):
        raise found
    return found


def corpus_of(scenario: str, *, directory: Path | None) -> Path:
    """The corpus of a scenario, made now or by an earlier run. The event loop goes on meanwhile.

    Args:
        scenario: a file or a shipped name.
        directory: where corpora are kept; None: a folder of this user among the system's temporary files.

    Raises:
        ScenarioError: no such scenario.
        InputError: it cannot be generated; the text says why.
    """
    from simulator.scenario.load import resolve_scenario  # takes a fifth of a second

    file = resolve_scenario(scenario)
    digest = hashlib.sha256(file.read_bytes() + __version__.encode()).hexdigest()[:16]
    folder = directory or Path(tempfile.gettempdir()) / f"telsim-corpora-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    corpus = folder / f"{file.stem}-{digest}"
    with (folder / f"{corpus.name}.lock").open("w") as lock:
        _wait_for(lock.fileno())  # one process of a machine makes it, the others wait
        if not _is_whole(corpus):
            _generate(file, corpus)
    return corpus


def _wait_for(lock: int) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            gevent.sleep(0.1)
        else:
            return


def _is_whole(corpus: Path) -> bool:
    try:
        open_beside(corpus)
    except CorpusError:
        return False
    return True


def _generate(file: Path, corpus: Path) -> None:
    command = [sys.executable, "-m", "simulator", "generate", str(file), "--out", str(corpus), "--force"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise InputError(f"{file} could not be generated: {done.stderr.strip()}")
