"""Somebody with the secure proxy extension: installs it, signs in, switches it, meets its errors.

One process a browser run, and only for those who have the extension. It wakes for the next thing that happens,
drawn as one waiting time over the summed rates and one choice among them.
"""

from __future__ import annotations

from collections.abc import Generator

import simpy

from simulator.behaviour.person import BrowserPerson
from simulator.client.secure_proxy import SecureProxySender
from simulator.clock import MS_PER_DAY, MS_PER_HOUR
from simulator.distributions import Choice, exponential, lognormal
from simulator.pings.secure_proxy.events import Button
from simulator.randomness import Stream
from simulator.scenario.secure_proxy import SecureProxy

Process = Generator[simpy.Event, None, None]

_SCALE = 1_000_000
#: Of the looks at whether the proxy is down; the document says "at most about once an hour".
_LEAST_BETWEEN_CHECKS_MS = MS_PER_HOUR


class ProxyHabits:
    """What a scenario's people do with the extension, and how often it fails them.

    Args:
        rates: the scenario's figures.
    """

    def __init__(self, rates: SecureProxy) -> None:
        self.rates = rates
        self.wait = exponential(_SCALE)
        self.settle = lognormal(4_000, 0.6)
        self.sign_in = lognormal(rates.sign_in_median, 0.7)
        self.settings_click: Choice[str] = Choice(rates.settings_clicks)
        off = {"panel": rates.panels_an_hour}
        on = off | {
            "407": rates.invalid_tokens_an_hour,
            "429": rates.abuses_an_hour,
            "proxyDown": rates.outages_an_hour,
            "web_rtc": rates.web_rtc_dialogs_an_hour,
        }
        self.rate_an_hour = (sum(off.values()), sum(on.values()))
        self.next = tuple(Choice(rates) if sum(rates.values()) else None for rates in (off, on))


class ProxyUser:
    """One person's use of the extension, through all runs of the browser.

    Args:
        sender: the extension.
        habits: of the scenario's people.
        random: the person's stream for this alone.
    """

    __slots__ = ("_checked_ms", "_habits", "_may_check_ms", "_random", "_run_ends_ms", "_sender")

    def __init__(self, sender: SecureProxySender, habits: ProxyHabits, random: Stream) -> None:
        self._sender = sender
        self._habits = habits
        self._random = random
        self._checked_ms = 0
        #: From when on the extension looks again whether the proxy is down; it forgets that with the session.
        self._may_check_ms = 0
        self._run_ends_ms = 0

    def started(self, person: BrowserPerson) -> None:
        """The browser was started."""
        self._run_ends_ms = person.installation.run_ends_ms
        self._may_check_ms = 0
        person.env.process(self._use(person.env))

    def _use(self, env: simpy.Environment) -> Process:
        """One run: what the start brings, then one thing after the other."""
        habits, sender, uniform = self._habits, self._sender, self._random.uniform
        ends_ms = self._run_ends_ms
        yield env.timeout(min(habits.settle(uniform()), max(0, ends_ms - 1 - env.now)))
        self._begin(int(env.now))
        if not sender.signed_in:
            yield from self._panel(env)
        while True:
            rate = habits.rate_an_hour[sender.enabled]
            choice = habits.next[sender.enabled]
            if choice is None:
                return
            pause = int(habits.wait(uniform()) * (MS_PER_HOUR / rate) / _SCALE) + 1
            if env.now + pause >= ends_ms:
                return
            yield env.timeout(pause)
            what = choice(uniform())
            now_ms = int(env.now)
            if what == "panel":
                yield from self._panel(env)
            elif what == "proxyDown":
                if now_ms >= self._may_check_ms:
                    self._find_down(now_ms)
            elif what == "web_rtc":
                sender.answer_web_rtc(now_ms, exempt=uniform() < habits.rates.exempt_tab)
            else:
                sender.network_error(now_ms, what)

    def _begin(self, now_ms: int) -> None:
        """Installation, update and a look at the proxy settings, as the extension does when it starts."""
        sender, rates, uniform = self._sender, self._habits.rates, self._random.uniform
        if not sender.installed:
            sender.install(now_ms)
        elif self._checked_ms:
            weeks = (now_ms - self._checked_ms) / (7 * MS_PER_DAY)
            newer = rates.versions[rates.versions.index(sender.version) + 1 :]
            if newer and uniform() < weeks * rates.updates_a_week:
                sender.update(now_ms, newer[0])
        self._checked_ms = now_ms
        if uniform() < rates.other_proxy:
            sender.general(now_ms, "otherProxyInUse")

    def _panel(self, env: simpy.Environment) -> Process:
        """The panel is opened: it fails to load, or leads to signing in, to the settings, or to a switch."""
        habits, sender, uniform = self._habits, self._sender, self._random.uniform
        rates = habits.rates
        if uniform() < rates.loading_error:
            sender.general(int(env.now), "loadingError")
            return
        if not (yield from self._pause(env, habits.settle(uniform()))):
            return
        if not sender.signed_in:
            if uniform() < rates.sign_in:
                yield from self._sign_in(env)
            return
        if uniform() < rates.settings:
            yield from self._settings(env)
            return
        if uniform() < (rates.disable if sender.enabled else rates.enable):
            yield from self._switch(env)

    def _sign_in(self, env: simpy.Environment) -> Process:
        """An attempt always ends: completed, failed, or failed because the browser closes."""
        habits, sender, uniform = self._habits, self._sender, self._random.uniform
        sender.start_sign_in(int(env.now))
        takes = habits.sign_in(uniform())
        in_time = yield from self._pause(env, takes)
        sender.end_sign_in(int(env.now), completed=in_time and uniform() >= habits.rates.sign_in_failed)

    def _settings(self, env: simpy.Environment) -> Process:
        habits, sender, uniform = self._habits, self._sender, self._random.uniform
        sender.general(int(env.now), "settingsShown")
        link = habits.settings_click(uniform())
        if link != "none" and (yield from self._pause(env, habits.settle(uniform()))):
            sender.click_setting(int(env.now), link)

    def _switch(self, env: simpy.Environment) -> Process:
        """On or off by either button; on may fail to connect, and then the proxy may turn out to be down."""
        habits, sender, uniform = self._habits, self._sender, self._random.uniform
        rates = habits.rates
        button: Button = "toggleButton" if uniform() < rates.toggle_button else "stateButton"
        if sender.enabled:
            sender.disable(int(env.now), button)
            return
        sender.enable(int(env.now), button)
        if uniform() < rates.connecting_failed and (yield from self._pause(env, 20_000)):
            now_ms = int(env.now)
            sender.network_error(now_ms, "connecting")
            if now_ms >= self._may_check_ms:
                self._may_check_ms = now_ms + _LEAST_BETWEEN_CHECKS_MS
                if uniform() < 0.5 and (yield from self._pause(env, 60_000)):
                    self._find_down(int(env.now))

    def _find_down(self, now_ms: int) -> None:
        """The proxy is down. An hour passes from here before the next look."""
        self._may_check_ms = now_ms + _LEAST_BETWEEN_CHECKS_MS
        self._sender.network_error(now_ms, "proxyDown")

    def _pause(self, env: simpy.Environment, delay_ms: int) -> Generator[simpy.Event, None, bool]:
        """Let time pass, but not beyond the run.

        Returns:
            Whether the whole delay fitted.
        """
        left = self._run_ends_ms - 1 - int(env.now)
        yield env.timeout(max(0, min(delay_ms, left)))
        return delay_ms <= left
