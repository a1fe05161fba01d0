"""Browser runs: starting Firefox, the first window, new tabs until the browser is closed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import simpy

from simulator.behaviour import messages
from simulator.behaviour.daily import Habits
from simulator.behaviour.newtab import NewTabHabits, visit
from simulator.behaviour.person import BrowserPerson
from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import Choice, counts, exponential, lognormal
from simulator.population import Profile
from simulator.randomness import Stream
from simulator.scenario import Scenario

Process = Generator[simpy.Event, None, None]

_SCALE = 1_000_000


class BrowserHabits:
    """How a scenario's people use their browser."""

    def __init__(self, scenario: Scenario) -> None:
        population = scenario.population
        self.days = Habits(population)
        self.newtab = NewTabHabits(scenario.newtab)
        self.new_tabs_in_run: Choice[int] = counts(population.new_tabs_a_day / population.runs_a_day)
        self.private = population.private_windows
        self.first_paint = lognormal(1_400, 0.5)
        self.gap = exponential(_SCALE)
        self.site_visits_a_ms = scenario.messaging.site_visits_an_hour / MS_PER_HOUR
        self.toolbar_uses_a_ms = scenario.messaging.toolbar_uses_an_hour / MS_PER_HOUR
        self.lost_at_shutdown = scenario.newtab.lost_at_shutdown


def browser_runs(
    habits: BrowserHabits, profile: Profile, random: Stream, *, start_ms: int, end_ms: int
) -> Iterator[tuple[int, int]]:
    """The runs of one person's browser within a span: (start, end), one after the other, never overlapping.

    Args:
        habits: of the scenario's people.
        profile: whose.
        random: the person's stream for this alone.
        start_ms: beginning of the span, milliseconds since the Unix epoch.
        end_ms: its end; a run that would be longer is cut there.
    """
    free_at = start_ms
    for day in range(start_ms // MS_PER_DAY, (end_ms - 1) // MS_PER_DAY + 1):
        for planned, length in habits.days.runs_of_day(profile, day, random):
            begins = max(planned, free_at) if planned >= start_ms else end_ms
            ends = min(begins + length, end_ms)
            if ends - begins >= 5_000:
                free_at = ends + 2_000
                yield begins, ends


def live(person: BrowserPerson, habits: BrowserHabits, runs: Iterator[tuple[int, int]]) -> Process:
    """Everything that one person does with Firefox."""
    env = person.env
    for begins, ends in runs:
        if begins > env.now:
            yield env.timeout(begins - env.now)
        yield from browser_run(person, habits, ends)
        if person.installation.silent:
            return


def browser_run(person: BrowserPerson, habits: BrowserHabits, ends_ms: int) -> Process:
    """One run of the browser: a home page, some new tabs, shutdown."""
    env, random, newtab = person.env, person.random, person.newtab
    uniform = random.uniform
    begins = int(env.now)
    person.installation.start_run(begins, ends_ms, random.uuid())
    for companion in person.companions:
        companion.started(person)
    yield env.timeout(min(habits.first_paint(uniform()), ends_ms - begins))
    private = uniform() < habits.private
    if not private:
        messages.fire(person, "startup")
    tabs = habits.new_tabs_in_run(uniform())
    mean_gap = (ends_ms - begins) / (tabs + 1)
    yield from visit(person, habits.newtab, "about:home", asked_ms=None)
    for _ in range(tabs):
        gap = int(habits.gap(uniform()) * mean_gap / _SCALE)
        if env.now + gap >= ends_ms:
            break
        yield from _browse(person, habits, gap, private=private)
        if private:
            continue
        asked = int(env.now)
        messages.fire(person, "new_tab")
        yield from visit(person, habits.newtab, "about:newtab", asked_ms=asked)
    if newtab.is_open:
        if uniform() < habits.lost_at_shutdown:
            newtab.lose_page()
        else:
            newtab.leave_page(int(env.now))
    if person.companions:
        yield env.timeout(ends_ms - env.now)
        for companion in reversed(person.companions):
            companion.closing(person)


def _browse(person: BrowserPerson, habits: BrowserHabits, gap_ms: int, *, private: bool) -> Process:
    """Time away from new tabs, in which sites are visited and the toolbar is used."""
    env, router, uniform = person.env, person.router, person.random.uniform
    spent = 0
    if not private:
        for trigger, per_ms in (
            ("site_visit", habits.site_visits_a_ms),
            ("toolbar", habits.toolbar_uses_a_ms),
        ):
            if router.listens_to(trigger) and uniform() < gap_ms * per_ms:
                pause = int((gap_ms - spent) * uniform())
                yield env.timeout(pause)
                spent += pause
                messages.fire(person, trigger)
    yield env.timeout(gap_ms - spent)
