"""Replays a corpus with Locust: `locust -f replay.py --corpus DIR --host URL`. Each user is one connection."""

from __future__ import annotations

from control import Control
from gevent.event import Event
from locust import User, events, task
from options import add_options

events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(Control.attach)


class Replay(User):
    """One connection. It sends whatever request comes next; all users of a process share one engine."""

    def __init__(self, environment) -> None:
        super().__init__(environment)
        self._done = Event()
        self._lane = None

    @task
    def replay(self) -> None:
        """Keeps a lane open until Locust stops this user."""
        engine = self.environment.telsim.engine()
        if engine is not None:
            self._lane = engine.open_lane(self._done.set)
        self._done.wait()

    def stop(self, force: bool = False):  # noqa: FBT001, FBT002 - Locust's signature
        """Lets the request under way finish, then ends the task."""
        stopped = super().stop(force)
        if self._lane is None:
            self._done.set()
        else:
            self.environment.telsim.close_lane(self._lane)
        return stopped
