"""A shell script of plain curl lines, with each payload in a file beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from simulator import __version__
from simulator.export.files import FileNames
from simulator.export.request import request_headers
from simulator.records import Ping

SCRIPT = "send.sh"
BODIES = "bodies"

_HEAD = f"""#!/bin/sh
# Sends pings with curl, one after the other, and prints the status of each. Made by telsim {__version__}.
# Exit code 1: some got no answer at all.
# HOST=https://ingest.example.test ./{SCRIPT} sends them elsewhere than to `telsim serve` on this machine.
set -u
cd "$(dirname "$0")" || exit 2
HOST="${{HOST:-http://127.0.0.1:8765}}"
undelivered=0
"""
#: No config file, no globbing, no tidying of paths: what is sent is what stands here.
_CURL = "curl -q -sS -g --path-as-is --max-time 30 -o /dev/null"


def write_curl(pings: Iterable[Ping], directory: Path) -> None:
    """`send.sh`, to be run anywhere, and `bodies/` with the payloads byte for byte."""
    names = FileNames()
    (directory / BODIES).mkdir()
    script = directory / SCRIPT
    with open(script, "w", encoding="utf-8") as file:
        file.write(_HEAD)
        for ping in pings:
            name = names.of(ping, "bin" if ping.body_b64 else "json")
            (directory / BODIES / name).write_bytes(ping.payload())
            file.write(_line(ping, name))
        file.write('exit "$undelivered"\n')
    script.chmod(0o755)


def _line(ping: Ping, name: str) -> str:
    headers = {
        "User-Agent": f"telsim/{__version__}",
        "X-Source-Tags": "automation",
        **request_headers(ping),
    }
    options = [f"-H {shlex.quote(f'{key}: {value}')}" for key, value in headers.items()]
    return " ".join(
        [
            _CURL,
            f"-w '%{{http_code}} {name}\\n'",
            f"-X {shlex.quote(ping.method)}",
            *options,
            f"--data-binary @{BODIES}/{name}",
            f'"${{HOST}}"{shlex.quote(ping.path)} || undelivered=1\n',
        ]
    )
