"""A developer's life: reading sessions, on a code host or in the web application, through working days."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.behaviour.sourcegraph.code_host import read_on_code_host
from simulator.behaviour.sourcegraph.developer import Developer, Process
from simulator.behaviour.sourcegraph.reading_habits import ReadingHabits
from simulator.behaviour.sourcegraph.web_app import read_on_web


def live(developer: Developer, habits: ReadingHabits, sessions: Sequence[tuple[int, int]]) -> Process:
    """Everything that one developer does with Sourcegraph.

    Args:
        developer: who.
        habits: what developers do.
        sessions: (start, end) of each, in milliseconds since the Unix epoch.
    """
    env, extension, web = developer.env, developer.extension, developer.web
    on_web = habits.on_web(developer.profile)
    free_ms = int(env.now)
    for begins, ends in sessions:
        now = max(begins, free_ms)
        yield env.timeout(now - int(env.now))
        if web is not None and developer.random.uniform() < on_web:
            free_ms = read_on_web(developer, habits, web, now_ms=now, ends_ms=ends)
        elif extension is not None:
            free_ms = read_on_code_host(developer, habits, extension, now_ms=now, ends_ms=ends)
