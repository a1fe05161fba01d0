from __future__ import annotations

import pytest
from sourcegraph_kit import Sent, simulate, team

from simulator.records import DIALECTS, Dialect


@pytest.fixture(scope="session")
def team_pings() -> dict[str, list[Sent]]:
    """What the shipped team sends in its week, by dialect; and, as `later`, on the wire of later clients."""
    pings = {dialect: simulate(team(), dialect) for dialect in DIALECTS}
    return {**pings, "later": simulate(team(later_clients=True), "wire")}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param  # type: ignore[no-any-return]
