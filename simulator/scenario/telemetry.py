"""Which containers clients send, and how mobile clients are used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.scenario.fields import DurationMs, Rate, Section
from simulator.scenario.figures import figure


class Telemetry(Section):
    """Which containers desktop clients send.

    Args:
        event_ping: the legacy event ping, whenever there are events.
        main_ping: the legacy main ping, at the end of every subsession.
        glean: Glean's baseline and events pings.
        least_active: a desktop run shorter than this never counts as active to Glean, which then keeps its events
            for the next start.
        environment_changes_an_hour: how often an add-on, a setting or anything else changes that main pings describe,
            for each hour that a browser is open; it ends the subsession. Beside the changes of experiments.
    """

    event_ping: bool = True
    main_ping: bool = False
    glean: bool = False
    least_active: DurationMs = 2 * 60_000
    environment_changes_an_hour: Rate = Field(default_factory=figure("environment_changes_an_hour"))


class Fenix(Section):
    """How people use Firefox for Android (assumption: no public figure was found).

    Args:
        periods_a_day: how often it is in the foreground on a day of use.
        period_median: how long it then stays there.
        period_sigma: standard deviation of the logarithm of that.
        days_a_week: days of use.
    """

    periods_a_day: Annotated[float, Field(gt=0, le=200)] = 9.0
    period_median: DurationMs = 90_000
    period_sigma: Annotated[float, Field(ge=0, le=4)] = 1.2
    days_a_week: Annotated[float, Field(ge=0, le=7)] = 5.0
