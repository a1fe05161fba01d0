"""Errors that a user can cause, and the exit codes of every command.

TelsimError                 anything below; caught once, at the command line
|-- UsageError              the request itself makes no sense          exit 2
|   `-- RefusedError        we could, but must not (hosts, dialects)   exit 2
|-- InputError              a file or value given to us is bad         exit 2
|   |-- ScenarioError       a scenario file
|   |-- TargetError         a target file
|   `-- CorpusError         a corpus directory
`-- EndpointError           an endpoint cannot be started or reached   exit 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What a telsim process answers to the shell."""

    PASS = 0
    FAILED = 1
    USAGE = 2
    GENERATOR_BOUND = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in something the user gave us.

    Args:
        where: a place the user can go to: `file: key.path`, `part:line`, a record's id.
        what: what is wrong there, in one sentence.
        hint: what to do about it; empty where nothing sensible can be said.
    """

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class TelsimError(Exception):
    """Something the user can put right. The text says what was wrong, where, and what to do."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class UsageError(TelsimError):
    """Options or arguments that contradict each other or make no sense."""


class RefusedError(UsageError):
    """A request that telsim understands and will not carry out."""


class InputError(TelsimError):
    """A file that cannot be used; `findings` lists every problem in it."""


class ScenarioError(InputError):
    """A scenario file that cannot be used."""


class TargetError(InputError):
    """A target file that cannot be used."""


class CorpusError(InputError):
    """A corpus that is missing, unfinished, damaged or of another format version."""


class EndpointError(TelsimError):
    """An endpoint that cannot be started, or does not answer."""

    exit_code = ExitCode.FAILED
