"""What a tape is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.errors import UsageError
from simulator.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeSpec:
    """What a tape is made for.

    Args:
        target: endpoint profile.
        netloc: value of the Host header.
        base_path: path in front of every request's path.
        headers: the target's headers with the environment's values filled in.
        user_agent: value of the User-Agent header.
        batch: pings a request at most.
        gzip: whether bodies are compressed.
        window_ms: pings that are due within one such stretch of recorded time make one batch; None: by size only.
        worker: number of this worker, from 0.
        workers: how many workers share the corpus; each takes the clients whose number leaves its rest.
        repeats: the corpus may be sent more than once, so compressed bodies must let their ids be changed.
    """

    target: Target
    netloc: str
    base_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = "telsim"
    batch: int = 1
    gzip: bool = False
    window_ms: int | None = None
    worker: int = 0
    workers: int = 1
    repeats: bool = True

    def __post_init__(self) -> None:
        if self.batch > 1 and self.target.envelope is None:
            raise UsageError(
                f"target {self.target.name} sends one ping a request, so --batch {self.batch} cannot be; "
                "json-array and ndjson take batches"
            )
