"""The ways in which an endpoint is made to fail, and made well again."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from threading import Event
from types import MappingProxyType, TracebackType
from typing import Literal, Protocol, Self
from urllib.parse import urlsplit

import httpx

from simulator.endpoint import EndpointProcess, Settings
from simulator.errors import EndpointError, UsageError

Mode = Literal["down", "500", "hang", "slow", "reset", "disk_full"]

#: Mode to what it does. Read-only.
MODES: Mapping[Mode, str] = MappingProxyType(
    {
        "down": "killed without warning (SIGKILL), started again with the same store",
        "500": "answers 500 to every ping",
        "hang": "takes requests and says nothing",
        "slow": "answers after a delay",
        "reset": "cuts every connection",
        "disk_full": "answers 507: no space",
    }
)

_HEALTH_PATH = "/__lbheartbeat__"
_LONGEST_START_S = 60.0
_COMMAND_S = 120.0


class Outage(Protocol):
    """Something that can make the endpoint fail and end the failure."""

    def begin(self) -> None:
        """Make it fail; the failure is on when this returns."""

    def end(self) -> None:
        """Make it well; it takes requests again when this returns."""


def mode_named(name: str) -> Mode:
    """A mode by its name.

    Raises:
        UsageError: there is none of that name.
    """
    for known in MODES:
        if known == name:
            return known
    raise UsageError(f"there is no failure {name!r}; there are: {', '.join(MODES)}")


class OwnEndpoint:
    """telsim's endpoint, which can be killed and comes back at the same address with the same store.

    Args:
        settings: its settings; the fault switch is turned on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = replace(settings, faults=True)
        self._process = EndpointProcess(self._settings)
        self._up = False
        self.url = ""

    def __enter__(self) -> Self:
        self.url = self._process.start().url
        self._up = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._up:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._up = False

    def restart(self) -> None:
        """Start it again where it was."""
        port = urlsplit(self.url).port or 0
        self._process = EndpointProcess(self._settings, port=port)
        self._process.start()
        self._up = True


class Killed:
    """Mode `down` of telsim's own endpoint."""

    def __init__(self, endpoint: OwnEndpoint) -> None:
        self._endpoint = endpoint
        self._down = False

    def begin(self) -> None:
        """Kill it."""
        self._endpoint.kill()
        self._down = True

    def end(self) -> None:
        """Start it again, if it is down."""
        if self._down:
            self._down = False
            self._endpoint.restart()


class Switched:
    """The other modes of telsim's own endpoint, by its fault switch.

    Args:
        url: base URL.
        mode: which failure.
        delay_ms: for `slow`.
    """

    def __init__(self, url: str, mode: Mode, *, delay_ms: float) -> None:
        self._url = url.rstrip("/") + "/__fault__"
        self._fault: dict[str, object] = {"mode": mode, "delay_ms": delay_ms}

    def begin(self) -> None:
        """Turn the failure on."""
        self._set(self._fault)

    def end(self) -> None:
        """Turn it off."""
        self._set({"mode": "none"})

    def _set(self, fault: dict[str, object]) -> None:
        try:
            httpx.post(self._url, json=fault, timeout=30, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise EndpointError(f"the endpoint's fault switch does not answer: {error}") from error


class Commanded:
    """An endpoint of the user's own, broken and mended by commands of his.

    Args:
        url: base URL; the outage is over when it answers anything at all.
        down: the command that makes it fail.
        up: the command that makes it well.
        health_path: what to ask for.
    """

    def __init__(self, url: str, *, down: str, up: str, health_path: str) -> None:
        self._url = url.rstrip("/") + (health_path or _HEALTH_PATH)
        self._down = shlex.split(down)
        self._up = shlex.split(up)
        self._begun = False
        if not self._down or not self._up:
            raise UsageError("--down-command and --up-command must both be given for an endpoint of your own")

    def begin(self) -> None:
        """Run the command that breaks it."""
        self._begun = True
        self._run(self._down)

    def end(self) -> None:
        """Run the command that mends it, once, and wait until it answers."""
        if not self._begun:
            return
        self._begun = False
        self._run(self._up)
        answers, pause = False, Event()
        for _ in range(int(_LONGEST_START_S / 0.1)):
            try:
                httpx.get(self._url, timeout=5, trust_env=False)
                answers = True
                break
            except httpx.HTTPError:
                pause.wait(0.1)
        if not answers:
            raise EndpointError(f"{self._url} does not answer {_LONGEST_START_S:.0f} s after --up-command")

    def _run(self, command: list[str]) -> None:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_COMMAND_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EndpointError(f"{shlex.join(command)}: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise EndpointError(f"{shlex.join(command)} ended with {done.returncode}: {said}")
