"""Starts and stops the endpoint: socket, store, uvicorn, signals.

uvicorn (httptools parser, uvloop) does the HTTP. `connection.GuardedProtocol` adds the limits it lacks, and answers
requests that arrive whole without its tasks, which cost more than judging a ping.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import ipaddress
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from simulator.catalogue import Schemas, load_schemas
from simulator.endpoint.app import App
from simulator.endpoint.connection import guarded, watch
from simulator.endpoint.faultswitch import Fault, FaultSwitch
from simulator.endpoint.intake import Intake
from simulator.endpoint.message import Validator
from simulator.endpoint.metrics import Metrics
from simulator.endpoint.pages import Pages
from simulator.endpoint.queue import WriteQueue
from simulator.endpoint.receive import rules
from simulator.endpoint.settings import Settings
from simulator.errors import EndpointError, ExitCode, RefusedError

READY = "telsim endpoint listening on "
_BACKLOG = 4096


def serve(
    settings: Settings, *, ready: Callable[[str, Path], None], validator: Validator | None = None
) -> ExitCode:
    """Serve until SIGTERM or SIGINT. What is in flight then is answered and stored first.

    Args:
        settings: everything else.
        ready: called with the base URL and the store's path once connections are accepted.
        validator: in place of the schemas that the settings name.

    Returns:
        PASS after SIGTERM, INTERRUPTED after SIGINT.

    Raises:
        RefusedError: the address is not loopback and nobody allowed it.
        EndpointError: the port is taken, or the store cannot be opened.
        InputError: the schemas or an existing store cannot be used.
    """
    _tune()
    listener = bind(settings)
    with listener, _store_path(settings.store) as store:
        server = _Server(settings, listener, store, validator or _schemas(settings.schemas), ready)
        server.run(sockets=[listener])
        if server.trouble is not None:
            raise server.trouble
        return ExitCode.INTERRUPTED if signal.SIGINT in server.signals else ExitCode.PASS


def _tune() -> None:
    """Settings of the interpreter that suit a process which does nothing but serve.

    Measured on one core: giving up the interpreter lock after 2 ms in place of 5 ms lets the store's thread in sooner,
    a quarter off the p99 at the same rate; after 0.5 ms batches cost a tenth more, for the switching. Freezing what
    start-up made spares the collector from walking it, 8 % of the time.
    """
    sys.setswitchinterval(0.002)
    with contextlib.suppress(OSError, ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def bind(settings: Settings) -> socket.socket:
    """A listening socket on the address of `settings`. Raises RefusedError and EndpointError."""
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise EndpointError(f"cannot listen on {where}: {error}") from error
    if (
        not settings.listen_anywhere
        and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    ):
        raise RefusedError(
            f"{settings.host} can be reached by other machines; say --listen-anywhere if you mean it"
        )
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = getattr(error, "errno", 0) == errno.EADDRINUSE
        hint = "; another program has it, --port 0 finds a free one" if taken else ""
        raise EndpointError(f"cannot listen on {where}: {error}{hint}") from error
    return listener


@contextlib.contextmanager
def _store_path(given: str) -> Iterator[Path]:
    """The store that was asked for, or one in a fresh directory that stays when we are gone."""
    yield Path(given) if given else Path(tempfile.mkdtemp(prefix="telsim-")) / "telsim-endpoint.sqlite3"


def _schemas(source: str) -> Schemas:
    """The schemas of a dialect or directory, compiled, so that the first ping does not wait for that."""
    schemas = load_schemas(
        "wire" if source == "wire" else "documented" if source == "documented" else Path(source)
    )
    schemas.compile_all()
    return schemas


class _Server(uvicorn.Server):
    """uvicorn's server with our store around it, and without its habit of raising the signal again."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        store: Path,
        validator: Validator,
        ready: Callable[[str, Path], None],
    ) -> None:
        self.signals: list[int] = []
        self.trouble: Exception | None = None
        self._settings = settings
        self._listener = listener
        self._store = store
        self._validator = validator
        self._ready = ready
        self._queue: WriteQueue | None = None
        self._faults = FaultSwitch() if settings.faults else None
        super().__init__(
            uvicorn.Config(
                self._not_yet,
                http=guarded(settings.connections),
                interface="asgi3",
                ws="none",
                loop="uvloop" if sys.platform != "win32" else "asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=int(settings.idle_s),
                timeout_graceful_shutdown=int(settings.drain_s),
            )
        )

    async def _not_yet(self, _scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("requests are only taken once the app is in place")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the store, then accept connections, then say so."""
        settings = self._settings
        try:
            self._queue = WriteQueue(
                self._store,
                asyncio.get_running_loop(),
                max_pings=settings.waiting_pings,
                max_bytes=settings.waiting_bytes,
                fsync=settings.fsync,
                payloads=settings.payloads,
                max_store_bytes=settings.max_store_bytes,
            )
        except Exception as error:  # noqa: BLE001 -- carried out of the loop and raised by `serve`
            self.trouble = error
            self.should_exit = True
            return
        metrics = Metrics()
        pages = Pages(self._queue, metrics, connections=lambda: len(self.server_state.connections))
        table = pages.table()
        if self._faults is not None:
            table["/__fault__"] = self._faults.page
        self.config.loaded_app = App(
            Intake(
                rules(self._validator, settings.limits),
                settings,
                writer=self._queue,
                metrics=metrics,
                soon=asyncio.get_running_loop().call_soon,
            ),
            settings,
            metrics=metrics,
            pages=table,
            faults=self._faults,
        )
        await super().startup(sockets=sockets)
        if settings.until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._on_stdin)
        self._watch = asyncio.create_task(watch(self.server_state, settings, metrics))
        name = self._listener.getsockname()
        host = f"[{name[0]}]" if self._listener.family == socket.AF_INET6 else name[0]
        self._ready(f"http://{host}:{name[1]}", self._store)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is in flight, then close the store."""
        self._watch.cancel()
        if self._faults is not None:
            self._faults.set(Fault("none"))  # or a drill would keep us from stopping
        await super().shutdown(sockets=sockets)
        if self._queue is not None:
            self._queue.hand_over()  # a second SIGINT does not wait for the loop's next turn
            await asyncio.to_thread(self._queue.store.close)

    def _on_stdin(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to stop; a second SIGINT does not wait for clients."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._on_signal) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit = True
        self.signals.append(number)


def announce(url: str, store: Path) -> None:
    """Tell on standard output that the endpoint is ready, in one line for programs, and where its store is."""
    sys.stderr.write(f"store: {store}\n")
    sys.stderr.flush()
    sys.stdout.write(f"{READY}{url}\n")
    sys.stdout.flush()
