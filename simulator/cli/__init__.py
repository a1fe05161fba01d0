"""The `telsim` command: one module a subcommand, one place where errors become words and exit codes."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simulator import __version__
from simulator.errors import ExitCode, TelsimError

if TYPE_CHECKING:
    import typer

#: Command name -> module below this package whose `command` function it runs, in the order of `--help`.
COMMANDS = {
    "smoke": "smoke",
    "generate": "generate",
    "check": "check",
    "init": "init",
    "scenarios": "scenarios",
    "catalogue": "catalogue",
    "describe": "describe",
    "export": "export",
    "serve": "serve",
    "replay": "replay",
    "drill": "drill",
    "targets": "targets",
    "report": "report",
    "compare": "compare",
    "hotpath": "hotpath",
    "capacity": "capacity",
}

_MOST_FINDINGS = 50


def build_app(names: list[str]) -> typer.Typer:
    """The command line with the named commands. Only their modules are imported, so `--help` answers at once."""
    import typer  # here and not above: a Ctrl-C while it is imported must find somebody who expects one

    app = typer.Typer(
        name="telsim",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # the coloured help costs a quarter of a second of imports
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Simulate the people behind product telemetry, replay their pings, account for every one.",
        epilog="Start with `telsim smoke`. Exit codes: 0 pass, 1 failed, 2 wrong use or refused, "
        "3 generator-bound, 130 interrupted.",
    )

    @app.callback(invoke_without_command=True)
    def version(
        *, show: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True)
    ) -> None:
        if show:
            sys.stdout.write(f"telsim {__version__}\n")
            raise typer.Exit

    for name in names:
        module = importlib.import_module(f"simulator.cli.{COMMANDS[name]}")
        command: Callable[..., Any] = module.command
        app.command(name, **getattr(module, "SETTINGS", {}))(command)
    return app


def report_error(error: TelsimError) -> None:
    """Print what was wrong, where, and what to do, on standard error."""
    lines = [f"telsim: {error}"] if str(error) else []
    lines += [f"  {finding}" for finding in error.findings[:_MOST_FINDINGS]]
    if len(error.findings) > _MOST_FINDINGS:
        lines.append(f"  … and {len(error.findings) - _MOST_FINDINGS} more")
    sys.stderr.write("\n".join(lines) + "\n")


class Stopped(SystemExit):
    """A signal asked this process to end; the code is the shell's for it, 128 and the signal's number."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Signals that end a process end it as an error does: children are stopped, what is temporary is removed.

    A signal that is ignored here, as under `nohup`, stays ignored.
    """

    def stop(number: int, _frame: object) -> None:
        raise Stopped(128 + number)

    usual = {signal.SIG_DFL, signal.default_int_handler}
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) in usual}
    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """Run the command line and exit with its code."""
    # numpy's linear algebra, of which nothing here is used, starts a thread a core: slower to start, and not to fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    prepare_streams()
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    names = [asked] if asked in COMMANDS else list(COMMANDS)
    try:
        with ended_by_signals():
            _run(names)
    except TelsimError as error:
        report_error(error)
        sys.exit(error.exit_code)
    except Stopped as stopped:
        sys.stderr.write("telsim: interrupted\n")
        sys.exit(stopped.code)
    except OSError as error:
        sys.stderr.write(f"telsim: {_refused(error)}\n")
        sys.exit(ExitCode.USAGE)
    except MemoryError:
        sys.stderr.write("telsim: there is not enough memory\n")
        sys.exit(ExitCode.USAGE)


def _run(names: list[str]) -> None:
    try:
        build_app(names)(standalone_mode=True)
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            # What could not be written would be tried again, and fail again, when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise


def _refused(error: OSError) -> str:
    """What the system refused, where nobody on the way knew to say it better."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else f"the system refused: {reason}"


class _Pipe(io.FileIO):
    """A standard stream whose reader may go, as `head` does: the command still does its work and says how it ended."""

    def write(self, data: Any, /) -> int:
        """Write, or throw away what nobody reads any more."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}, it is not complete", "the output") from error


def prepare_streams() -> None:
    """Let readers go, and put the null device where a stream is closed: our next file would take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - the function's own signature
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: SIM115
        elif number and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            pipe = io.BufferedWriter(_Pipe(number, "w", closefd=False))
            settings = {key: getattr(stream, key) for key in ("encoding", "line_buffering", "write_through")}
            # Names of files come back as they are on the disk; what another encoding has no sign for is a "?".
            errors = "surrogateescape" if stream.encoding.lower() in {"utf-8", "utf8"} else "replace"
            settings["errors"] = errors if number == 1 else stream.errors
            setattr(sys, name, io.TextIOWrapper(pipe, **settings))
