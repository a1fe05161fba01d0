"""A ramp of connections, as Locust shapes load: `locust -f replay.py,ramp.py --lanes 1..64/30s ...`.

For a ramp of the *rate*, which says what clients do and not how many sockets there are, use
`--pace 'ramp A..B over T'` of replay.py and leave this file out.
"""

from __future__ import annotations

import logging
import re
import sys

from locust import LoadTestShape, events

from simulator.errors import UsageError
from simulator.pacing import duration_s

_LANES = re.compile(r"(\d+)\.\.(\d+)/(\S+)$")


@events.init_command_line_parser.add_listener
def add_option(parser) -> None:
    """Adds `--lanes`."""
    parser.add_argument(
        "--lanes", default="1..16/30s", help="connections at the start .. at the end / in that time"
    )


@events.init.add_listener
def check_option(environment, **_) -> None:
    """Ends the process where `--lanes` is no ramp; nothing was sent."""
    options = environment.parsed_options
    try:
        lanes_at(options.lanes, 0.0)
    except UsageError as error:
        if not (options.worker and options.processes):  # where Locust forked the workers, the master says it
            logging.getLogger("telsim.replay").error("%s", error)
        sys.exit(int(error.exit_code))


def lanes_at(text: str, elapsed_s: float) -> int:
    """How many connections `--lanes` wants `elapsed_s` seconds after the start.

    Raises:
        UsageError: the text is no ramp.
    """
    match = _LANES.match(text.strip())
    if not match or int(match[2]) < 1:
        raise UsageError(f"--lanes {text!r} is no ramp; write it like 1..64/30s")
    first, last, over_s = int(match[1]), int(match[2]), duration_s(match[3])
    share = min(elapsed_s / over_s, 1.0) if over_s else 1.0
    return max(round(first + (last - first) * share), 1)


class LanesRamp(LoadTestShape):
    """Opens connections evenly; ends with `-t`, or when the corpus is sent."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Locust asks once a second."""
        options = self.runner.environment.parsed_options
        elapsed_s = self.get_run_time()
        if options.run_time and elapsed_s > options.run_time:
            return None
        # A worker without a user would keep its part of the corpus to itself.
        return max(lanes_at(options.lanes, elapsed_s), self.runner.worker_count), 100.0
