"""The reference: Locust's FastHttpUser with a fresh document id and body for every request."""

import time
from itertools import count

from locust import FastHttpUser, constant, events, task

FILLER = "x" * 520
HEADERS = {"Content-Type": "application/json; charset=UTF-8", "X-Source-Tags": "automation"}
NUMBERS = count()
WINDOW = [0.0, 0.0]


class Reference(FastHttpUser):
    wait_time = constant(0)

    @task
    def post(self) -> None:
        document_id = f"{next(NUMBERS):08x}-0000-4000-8000-000000000000"
        body = f'{{"client_id":"{document_id}","filler":"{FILLER}"}}'.encode()
        path = f"/submit/activity-stream/events/1/{document_id}"
        self.client.post(path, data=body, headers=HEADERS, name="ping")


@events.spawning_complete.add_listener
def begin(**_: object) -> None:
    WINDOW[0] = time.perf_counter()
    WINDOW[1] = next(NUMBERS)


@events.test_stopping.add_listener
def end(**_: object) -> None:
    print(f"RATE {(next(NUMBERS) - WINDOW[1]) / (time.perf_counter() - WINDOW[0]):.1f}", flush=True)
