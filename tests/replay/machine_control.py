"""Whether the machine itself stood still: a process that only sleeps, and notes how much too long it slept.

It prints the longest such time in seconds when its standard input ends.
"""

from __future__ import annotations

import select
import sys
import time

SLEEP_S = 0.001

if __name__ == "__main__":
    longest = 0.0
    print("ready", flush=True)
    while True:
        before = time.monotonic()
        if select.select([sys.stdin], [], [], SLEEP_S)[0]:
            break
        longest = max(longest, time.monotonic() - before - SLEEP_S)
    print(longest, flush=True)
