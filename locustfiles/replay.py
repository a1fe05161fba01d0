"""Replays a corpus with Locust: `locust -f replay.py --corpus DIR --host URL`. Each user is one connection.

Locust prints its help before it has read a locustfile; `python replay.py` prints what this one adds.
"""

from __future__ import annotations

from control import Control
from gevent.event import Event
from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from options import add_options

events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(Control.attach)


class Replay(User):
    """One connection. It sends whatever request comes next; all users of a process share one engine."""

    def __init__(self, environment) -> None:
        super().__init__(environment)
        self._closed = Event()
        self._asked_to_stop = Event()
        self._lane = None

    @task
    def replay(self) -> None:
        """Keeps a lane open until Locust stops this user, and as long as its last request is under way."""
        engine = self.environment.telsim.engine()
        if engine is None or self._asked_to_stop.is_set():
            self._closed.set()
        else:
            self._lane = engine.open_lane(self._closed.set)
        self._asked_to_stop.wait()
        self._closed.wait()

    def stop(self, force: bool = False):  # noqa: FBT001, FBT002 - Locust's signature
        """Lets the request under way finish, then ends the task."""
        if self._asked_to_stop.is_set() and not force:
            return (
                False  # Locust ends a run with a LoadTestShape twice, and may not ask a stopping user again
            )
        stopped = super().stop(force)
        self._asked_to_stop.set()
        if self._lane is not None:
            self.environment.telsim.close_lane(self._lane)
        return stopped


if __name__ == "__main__":
    parser = LocustArgumentParser(
        usage="locust -f replay.py --corpus DIR --host URL [options]",
        description="What replay.py adds to Locust's own options (`locust --help`):",
        add_help=False,
    )
    add_options(parser)
    parser.print_help()
