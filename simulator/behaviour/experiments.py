"""How a client's experiments go: recipes are looked at when the browser starts; rarely, somebody interferes.

A client that no recipe concerns has none of this. Others pay a comparison and one draw a run; a SimPy event is made
only when something is going to happen within the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from simulator.behaviour.person import BrowserPerson
from simulator.client.experiments import ExperimentSender
from simulator.client.telemetry_session import Later
from simulator.distributions import Choice
from simulator.randomness import Stream
from simulator.scenario.experiment import Nimbus
from simulator.scenario.message import Message

Interference = Literal[
    "none",
    "opt_out",
    "studies_off",
    "telemetry_off",
    "opt_in_again",
    "stale_removal",
    "attribute_error",
    "attribute_timeout",
]

#: A slug that no recipe has: an experiment from before the simulation, on a page that somebody left open.
_FORGOTTEN = "forgotten-experiment"


class NimbusHabits:
    """How often a scenario's people interfere with their experiments.

    Args:
        rates: the scenario's figures.
    """

    def __init__(self, rates: Nimbus) -> None:
        chances: dict[Interference, float] = {
            "opt_out": rates.opt_out,
            "studies_off": rates.studies_off,
            "telemetry_off": rates.telemetry_off,
            "opt_in_again": rates.opt_in_again,
            "stale_removal": rates.stale_removal,
            "attribute_error": rates.attribute_error,
            "attribute_timeout": rates.attribute_timeout,
        }
        chances["none"] = 1 - sum(chances.values())
        self.interference: Choice[Interference] = Choice(chances)


class Participation:
    """One browser's part in experiments.

    Args:
        sender: reports.
        habits: of the scenario's people.
        random: the person's stream for this alone.
        later: the simulation's alarm clock.
    """

    __slots__ = ("_habits", "_later", "_random", "_sender")

    def __init__(
        self, sender: ExperimentSender, habits: NimbusHabits, random: Stream, *, later: Later
    ) -> None:
        self._sender = sender
        self._habits = habits
        self._random = random
        self._later = later

    def exposed(self, now_ms: int, feature: str) -> None:
        """A treatment of a feature is about to be seen, or would be in a control branch."""
        self._sender.exposed(now_ms, feature)

    def reached(self, now_ms: int, message: Message) -> None:
        """A message of another branch would have been shown now."""
        if message.experiment is not None and message.branch is not None:
            self._sender.reached(now_ms, message=message.id, slug=message.experiment, branch=message.branch)

    def started(self, person: BrowserPerson) -> None:
        """The browser was started: look at the recipes, and draw what this run has in store."""
        installation = person.installation
        now_ms = int(person.env.now)
        self.begin(
            now_ms,
            installation.run_ends_ms,
            attributes=lambda: installation.targeting_attributes(now_ms),
            telemetry_off=installation.silence,
        )

    def begin(
        self,
        now_ms: int,
        ends_ms: int,
        *,
        attributes: Callable[[], Mapping[str, object]],
        telemetry_off: Callable[[], None] | None = None,
    ) -> None:
        """A session of the application begins.

        Args:
            now_ms: now.
            ends_ms: when it will end.
            attributes: for targeting.
            telemetry_off: ends all sending after this session; None where that is not simulated.
        """
        sender, uniform = self._sender, self._random.uniform
        sender.new_session()
        sender.apply(now_ms, sender.enrolments.evaluate(now_ms, attributes))
        length_ms = ends_ms - now_ms
        for enrolment in sender.enrolments.active():
            recipe = enrolment.recipe
            if recipe.used_in_run and uniform() < recipe.used_in_run:
                self._expose_later(now_ms + int(uniform() * length_ms), recipe.feature)
        interference = self._habits.interference(uniform())
        if interference == "none":
            return
        if interference == "telemetry_off" and telemetry_off is not None and sender.enrolments.active():
            # The last thing of a run: the events still go with its shutdown, and nothing is sent after it.
            telemetry_off()
            self._later(ends_ms - 1, lambda at_ms: self._interfere(at_ms, "telemetry_off"))
        elif interference.startswith("attribute_"):
            self._interfere(now_ms, interference)
        else:
            at = now_ms + int(uniform() * (length_ms - 1))
            self._later(at, lambda at_ms: self._interfere(at_ms, interference))

    def _expose_later(self, at_ms: int, feature: str) -> None:
        self._later(at_ms, lambda now_ms: self._sender.exposed(now_ms, feature))

    def _interfere(self, now_ms: int, what: Interference) -> None:
        sender = self._sender
        enrolments = sender.enrolments
        active = enrolments.active()
        if what == "stale_removal":
            ended = [slug for slug, enrolment in enrolments.by_slug.items() if enrolment.left is not None]
            sender.apply(now_ms, [enrolments.leave(ended[-1] if ended else _FORGOTTEN, "individual-opt-out")])
        elif what in {"attribute_error", "attribute_timeout"}:
            self._attribute_trouble(now_ms, what)
        elif not active:
            return
        elif what == "opt_out":
            slug = active[int(self._random.uniform() * len(active))].recipe.slug
            sender.apply(now_ms, [enrolments.leave(slug, "individual-opt-out")])
        elif what == "opt_in_again":
            sender.apply(now_ms, [enrolments.enrol_again(active[0].recipe.slug)])
        elif what == "telemetry_off":
            sender.telemetry_off(now_ms)
        else:
            sender.apply(now_ms, enrolments.leave_all("studies-opt-out"))

    def _attribute_trouble(self, now_ms: int, what: Interference) -> None:
        asking = [
            recipe
            for recipe in self._sender.enrolments.recipes
            if recipe.attributes and recipe.is_live(now_ms)
        ]
        if not asking:
            return
        u = self._random.uniform()
        recipe = asking[int(u * len(asking))]
        attribute = recipe.attributes[int(u * 7919) % len(recipe.attributes)]
        trouble: Literal["attribute_error", "attribute_timeout"] = (
            "attribute_error" if what == "attribute_error" else "attribute_timeout"
        )
        self._sender.attribute_trouble(now_ms, trouble, attribute=attribute, source=recipe.slug)
