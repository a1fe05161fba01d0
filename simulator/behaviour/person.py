"""A person at a browser: the simulated clock, the clients that watch, the randomness of what comes next."""

from __future__ import annotations

from typing import Protocol

import simpy

from simulator.client.browser import BrowserSender
from simulator.client.event_ping import EventPingSender
from simulator.client.installation import Installation
from simulator.client.messaging import MessagingSender
from simulator.client.newtab import NewTabSender
from simulator.client.onboarding import OnboardingSender
from simulator.messaging import MessageRouter
from simulator.randomness import Stream
from simulator.scenario.message import Message


class Companion(Protocol):
    """Something that lives through the runs of a browser: containers of events, experiments, an extension."""

    def started(self, person: BrowserPerson) -> None:
        """The browser was started; `run_ends_ms` of its installation is when it closes."""


class Experiments(Protocol):
    """A client's experiments, as far as messages concern them."""

    def exposed(self, now_ms: int, feature: str) -> None:
        """A treatment of a feature is about to be seen, or would be in a control branch."""

    def reached(self, now_ms: int, message: Message) -> None:
        """A message of another branch would have been shown now."""


class BrowserPerson:
    """Somebody who uses Firefox.

    Args:
        env: the client's clock.
        installation: the browser.
        newtab: told what happens on new tabs.
        messaging: told what happens with messages.
        browser: told what happens to the browser itself.
        onboarding: told what happens on about:welcome.
        router: decides which message a trigger shows.
        random: for what the person does.
        messages_random: for what the person does with messages.
        events: takes legacy events; None where the scenario has no event ping.
        experiments: None for whom no experiment is meant.
        companions: told, in this order, when the browser starts.
    """

    __slots__ = (
        "browser",
        "companions",
        "env",
        "events",
        "experiments",
        "installation",
        "messages_random",
        "messaging",
        "newtab",
        "onboarding",
        "panel_is_open",
        "panel_notifies",
        "pocket_button",
        "random",
        "router",
        "stage_is_taken",
        "until_happening",
    )

    def __init__(
        self,
        env: simpy.Environment,
        installation: Installation,
        *,
        newtab: NewTabSender,
        messaging: MessagingSender,
        browser: BrowserSender,
        onboarding: OnboardingSender,
        router: MessageRouter,
        random: Stream,
        messages_random: Stream,
        events: EventPingSender | None = None,
        experiments: Experiments | None = None,
        companions: tuple[Companion, ...] = (),
    ) -> None:
        self.env = env
        self.installation = installation
        self.newtab = newtab
        self.messaging = messaging
        self.browser = browser
        self.onboarding = onboarding
        self.panel_is_open = False
        self.panel_notifies = True
        self.pocket_button = True
        self.until_happening = -1
        self.router = router
        self.random = random
        self.messages_random = messages_random
        self.events = events
        self.experiments = experiments
        self.companions = companions
        #: Whether a message is on the stage, where one at a time can be shown.
        self.stage_is_taken = False
