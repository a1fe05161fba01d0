"""The `locust` command from a process that has imported it already: its imports take longer than most runs here.

This file as a script imports Locust and what the locustfile needs, then reads orders from its standard input. For each
one it forks a child, which gets the arguments, the environment and the folder of the order and does what
`python -m locust` does; nothing of one run is left for the next. Other tests start the command itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_LENGTH = struct.Struct("!I")


class WarmLocust:
    """Runs `locust` to its end, one run at a time."""

    def __init__(self, locustfiles: Path) -> None:
        command = [sys.executable, __file__, str(locustfiles)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, process_group=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout
        atexit.register(self.end)

    def run(
        self, words: list[str], *, env: dict[str, str], cwd: str, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` gives for `locust` with these words behind it."""
        with tempfile.NamedTemporaryFile("r+") as out, tempfile.NamedTemporaryFile("r+") as errors:
            order = {"words": words, "files": [out.name, errors.name], "env": env, "cwd": cwd}
            data = json.dumps(order).encode()
            self._orders.write(_LENGTH.pack(len(data)) + data)
            child = int(self._answers.readline())
            if not select.select([self._answers], [], [], timeout_s)[0]:
                os.kill(child, signal.SIGKILL)
                self._answers.readline()
                raise subprocess.TimeoutExpired(words, timeout_s, out.read(), errors.read())
            return subprocess.CompletedProcess(
                words, int(self._answers.readline()), out.read(), errors.read()
            )

    def end(self) -> None:
        """It ends with its standard input."""
        self._orders.close()
        self._answers.close()
        self._process.wait()


@cache
def warm_locust(locustfiles: Path) -> WarmLocust:
    """One for all tests of this process."""
    return WarmLocust(locustfiles)


def _serve(locustfiles: str) -> None:
    sys.path.insert(0, locustfiles)
    import control  # noqa: F401 - and with it Locust, NumPy and our own
    import locust.main
    from gevent import monkey

    answers = os.dup(1)
    os.dup2(2, 1)
    waitpid = monkey.get_original("os", "waitpid")  # gevent's would need its loop to run here
    while head := _read(_LENGTH.size):
        order = json.loads(_read(*_LENGTH.unpack(head)))
        child = os.fork()  # gevent's, which makes a new loop in the child
        if not child:
            os.close(answers)
            sys.argv[0] = str(Path(locust.__file__).with_name("__main__.py"))
            os._exit(_run(locust.main.main, order))
        os.write(answers, b"%d\n" % child)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(waitpid(child, 0)[1]))


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(0, size - len(data))):
        data += more
    return data


def _run(main, order) -> int:
    """What the interpreter would do around `main`."""
    for number, file in enumerate([os.devnull, *order["files"]]):
        opened = os.open(file, os.O_RDWR | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv[1:] = order["words"]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter shows whatever there is
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


if __name__ == "__main__":
    _serve(sys.argv[1])
