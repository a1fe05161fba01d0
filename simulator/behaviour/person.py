"""A person at a browser: the simulated clock, the clients that watch, the randomness of what comes next."""

from __future__ import annotations

import simpy

from simulator.client.installation import Installation
from simulator.client.messaging import MessagingSender
from simulator.client.newtab import NewTabSender
from simulator.messaging import MessageRouter
from simulator.randomness import Stream


class BrowserPerson:
    """Somebody who uses Firefox.

    Args:
        env: the cohort's clock.
        installation: the browser.
        newtab: told what happens on new tabs.
        messaging: told what happens with messages.
        router: decides which message a trigger shows.
        random: for what the person does.
        messages_random: for what the person does with messages.
    """

    __slots__ = (
        "_stage",
        "env",
        "installation",
        "messages_random",
        "messaging",
        "newtab",
        "random",
        "router",
    )

    def __init__(
        self,
        env: simpy.Environment,
        installation: Installation,
        *,
        newtab: NewTabSender,
        messaging: MessagingSender,
        router: MessageRouter,
        random: Stream,
        messages_random: Stream,
    ) -> None:
        self.env = env
        self.installation = installation
        self.newtab = newtab
        self.messaging = messaging
        self.router = router
        self.random = random
        self.messages_random = messages_random
        self._stage: simpy.Resource | None = None

    def stage(self) -> simpy.Resource:
        """The place where one message at a time can be shown; made when the first one comes."""
        if self._stage is None:
            self._stage = simpy.Resource(self.env, capacity=1)
        return self._stage
