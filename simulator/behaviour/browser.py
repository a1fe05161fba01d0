"""Browser runs: starting Firefox, the first window, new tabs until the browser is closed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import simpy

from simulator.behaviour import messages
from simulator.behaviour.daily import Habits
from simulator.behaviour.happenings import HappeningHabits, browse
from simulator.behaviour.newtab import NewTabHabits, visit
from simulator.behaviour.onboarding import welcome
from simulator.behaviour.person import BrowserPerson
from simulator.client.installation import Installation
from simulator.clock import MS_PER_DAY
from simulator.distributions import Choice, counts, lognormal
from simulator.pings.firefox.basic_metadata import Application
from simulator.population import Builds, Profile, next_version
from simulator.randomness import Stream
from simulator.scenario import Scenario

Process = Generator[simpy.Event, None, None]

_LEAST_GAP_MS = 600


class BrowserHabits:
    """How a scenario's people use their browser."""

    def __init__(self, scenario: Scenario) -> None:
        population = scenario.population
        triggers = {message.trigger for message in scenario.all_messages}
        self.days = Habits(population)
        self.newtab = NewTabHabits(scenario)
        self.happenings = HappeningHabits(scenario)
        self.messaging = scenario.messaging
        self.onboarding = scenario.onboarding
        self.has_messages = bool(triggers - {"first_run"})
        self.has_moments = "moments" in triggers
        self.has_new_tab_messages = "new_tab" in triggers
        self.new_tabs_in_run: Choice[int] = counts(population.new_tabs_a_day / population.runs_a_day)
        self.private = population.private_windows
        self.first_paint = lognormal(1_400, 0.5)
        self.builds = Builds(scenario)
        self.updates_a_ms = scenario.browser.updates_a_week / (7 * MS_PER_DAY)
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
    """One run of the browser: the first page, some new tabs, shutdown."""
    env, random, newtab = person.env, person.random, person.newtab
    uniform = random.uniform
    begins = int(env.now)
    _start(person, habits, begins, ends_ms)
    for companion in person.companions:
        companion.started(person)
    yield env.timeout(min(habits.first_paint(uniform()), ends_ms - begins))
    private = uniform() < habits.private
    taken = _taken_over(person)
    if person.installation.runs == 1 and person.installation.profile.is_new:
        yield from welcome(person, habits.onboarding, habits.messaging)
    if habits.has_messages and not private:
        messages.show(person, habits.messaging, "startup")
        if habits.has_moments:
            env.process(messages.moments(person, habits.messaging))
    if "home" not in taken and env.now < ends_ms:
        yield from visit(person, habits.newtab, "about:home", asked_ms=None, preloaded=False)
    if not private:  # private windows report nothing, whatever is done in them
        yield from _new_tabs(person, habits, ends_ms, opens="newtab" not in taken)
    if newtab.is_open:
        if uniform() < habits.lost_at_shutdown:
            newtab.lose_page()
        else:
            newtab.leave_page(int(env.now))


def _start(person: BrowserPerson, habits: BrowserHabits, begins: int, ends_ms: int) -> None:
    """The browser starts: perhaps as a newer version, with messages loaded anew."""
    installation, random = person.installation, person.random
    closed_ms = installation.run_ends_ms
    installation.start_run(begins, ends_ms, random.uuid())
    if installation.runs > 1 and random.uniform() < (begins - closed_ms) * habits.updates_a_ms:
        _update(installation, habits.builds, begins)
    if habits.has_messages:
        messages.load(person, habits.messaging)


def _update(installation: Installation, builds: Builds, now_ms: int) -> None:
    """The next version is installed, if there is one yet."""
    profile = installation.profile
    version, channel = next_version(profile.version, profile.channel), profile.channel
    if builds.is_made(version, channel, now_ms):
        installation.update(Application(builds.id_of(version, channel), version, channel, profile.locale))


def _taken_over(person: BrowserPerson) -> set[str]:
    """Which of home and newtab belong to something else; told once a run if any."""
    installation = person.installation
    if installation.profile.takeover < 0:
        return set()
    takeovers = person.newtab.texts.content.takeovers
    taken = takeovers[int(installation.profile.takeover * len(takeovers))]
    person.browser.page_takeover(installation, int(person.env.now), taken, session_id=person.random.uuid())
    return {key.split("_", 1)[0] for key in taken}


def _new_tabs(person: BrowserPerson, habits: BrowserHabits, ends_ms: int, *, opens: bool) -> Process:
    """Browsing until the browser is closed, with new tabs at moments spread over it where they are Firefox's own."""
    env, uniform, rates = person.env, person.random.uniform, habits.newtab.rates
    now = int(env.now)
    span = ends_ms - now
    tabs = habits.new_tabs_in_run(uniform()) if opens else 0
    moments = [now + int(uniform() * span) for _ in range(tabs)]
    moments.sort()
    home_again, unasked = rates.home_again, rates.home_again + rates.unasked
    has_messages = habits.has_new_tab_messages
    for moment in moments:
        gap = max(_LEAST_GAP_MS, moment - now)
        now += gap
        if now >= ends_ms:
            break
        if person.until_happening > gap:
            person.until_happening -= gap
            yield env.timeout(gap)
        else:
            yield from browse(person, habits.happenings, gap)
        if has_messages:
            messages.show(person, habits.messaging, "new_tab")
        u = uniform()
        if u < home_again:
            yield from visit(person, habits.newtab, "about:home", asked_ms=None, preloaded=False)
        elif u < unasked:
            yield from visit(person, habits.newtab, "about:newtab", asked_ms=None, preloaded=False)
        else:
            ready = u - unasked < (1 - unasked) * rates.preloaded
            yield from visit(person, habits.newtab, "about:newtab", asked_ms=now, preloaded=ready)
        now = int(env.now)
    left = ends_ms - int(env.now)
    if left > 0 and not person.newtab.is_open:
        yield from browse(person, habits.happenings, left, stay=False)
