"""Somebody with Firefox for Android: short periods in the foreground, a process that the system ends as it likes."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import simpy

from simulator.behaviour.daily import Habits
from simulator.behaviour.experiments import Participation
from simulator.client.glean import GleanSender
from simulator.clock import MS_PER_DAY
from simulator.population import Profile
from simulator.randomness import Stream
from simulator.scenario import Scenario

Process = Generator[simpy.Event, None, None]

#: Share of foreground periods for which the process had to be started anew though it was in the background before,
#: and of those that it did not survive.
#: Assumptions: no public figure was found.
_COLD_STARTS = 0.4
_KILLED = 0.01
_SHORTEST_MS = 1_000


class MobileHabits:
    """How a scenario's people use their phones' browser."""

    def __init__(self, scenario: Scenario) -> None:
        fenix = scenario.fenix
        self.days = Habits(
            scenario.population.model_copy(
                update={
                    "runs_a_day": fenix.periods_a_day,
                    "run_median": fenix.period_median,
                    "run_sigma": fenix.period_sigma,
                    "regular_days_a_week": fenix.days_a_week,
                    "irregular_days_a_week": fenix.days_a_week,
                }
            )
        )


def foreground_periods(
    habits: MobileHabits, profile: Profile, random: Stream, *, start_ms: int, end_ms: int
) -> Iterator[tuple[int, int]]:
    """The periods within a span in which one person's phone shows the browser: (start, end), never overlapping.

    Args:
        habits: of the scenario's people.
        profile: whose.
        random: the person's stream for this alone.
        start_ms: beginning of the span, milliseconds since the Unix epoch.
        end_ms: its end; a period that would be longer is cut there.
    """
    free_at = start_ms
    for day in range(start_ms // MS_PER_DAY, (end_ms - 1) // MS_PER_DAY + 1):
        for planned, length in habits.days.runs_of_day(profile, day, random):
            begins = max(planned, free_at)
            ends = min(begins + length, end_ms)
            if planned >= start_ms and ends - begins >= _SHORTEST_MS:
                free_at = ends + _SHORTEST_MS
                yield begins, ends


class MobilePerson:
    """Somebody who uses Firefox for Android.

    Args:
        env: the client's clock.
        profile: who.
        glean: the application's telemetry.
        experiments: its experiments; None for whom no recipe is meant.
        random: for what the person does.
    """

    __slots__ = ("_running", "_silent", "env", "experiments", "glean", "profile", "random", "starts")

    def __init__(
        self,
        env: simpy.Environment,
        profile: Profile,
        *,
        glean: GleanSender,
        experiments: Participation | None,
        random: Stream,
    ) -> None:
        self.env = env
        self.profile = profile
        self.glean = glean
        self.experiments = experiments
        self.random = random
        self.starts = 0
        self._running = self._silent = False

    def live(self, periods: Iterator[tuple[int, int]]) -> Process:
        """Everything that one person does with it."""
        env = self.env
        for begins, ends in periods:
            if begins > env.now:
                yield env.timeout(begins - env.now)
            yield from self._period(ends)
            if self._silent:
                return

    def _period(self, ends_ms: int) -> Process:
        """A period in the foreground: perhaps a cold start, then use, then the background, or an end by force.

        What was ended by force can only be started anew, and then tells what it had left to tell.
        """
        env, glean, uniform = self.env, self.glean, self.random.uniform
        now_ms = int(env.now)
        if not self._running or uniform() < _COLD_STARTS:
            self.starts += 1
            glean.start(now_ms)
            glean.active(now_ms)
            if self.experiments is not None:
                self.experiments.begin(
                    now_ms,
                    ends_ms,
                    attributes=lambda: self._attributes(now_ms),
                    telemetry_off=self._switch_off,
                )
        else:
            glean.active(now_ms)
        self._running = uniform() >= _KILLED
        yield env.timeout(ends_ms - env.now)
        if self._running or self._silent:
            glean.inactive(ends_ms)

    def _switch_off(self) -> None:
        self._silent = True

    def _attributes(self, now_ms: int) -> dict[str, object]:
        profile = self.profile
        return {
            "channel": profile.channel,
            "locale": profile.locale,
            "language": profile.locale.split("-", 1)[0],
            "version": float(profile.version.split(".", 1)[0]),
            "profile_age_days": now_ms // MS_PER_DAY - profile.created_day,
            "first_run": profile.is_new and self.starts <= 1,
            "runs": self.starts,
            "new_tabs": 0,
            "pinned_tabs": 0,
            "user_prefs": 0,
            "is_default_browser": profile.is_default_browser,
            "has_secure_proxy": False,
            "os": "Android",
        }
