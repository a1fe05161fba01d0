"""Puts a scenario's faults into the pings of a cohort, between the senders and the part's writer.

Whether and how the n-th ping of a client goes wrong is a function of (seed, client, n) alone. So the pings that stay
valid are the same, id for id and byte for byte, as in the corpus without faults.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from simulator.catalogue import load_schemas, ping_types
from simulator.corpus.document_ids import DocumentIds
from simulator.corpus.rows import Kind, Kinds, Row
from simulator.distributions import Choice
from simulator.faults.delivery import LEAD_MS
from simulator.faults.fault import DRAWS, Broken, Fault, Subject
from simulator.faults.table import FAULTS
from simulator.randomness import client_keys, split_uuids, uniforms
from simulator.records import Dialect

_BEFORE_TIME = ("early", "out_of_order")
#: Numbers of a ping's stretch of the client's stream: does it go wrong, in which way, and the fault's own.
_HIT, _WHICH, _OWN = 0, 1, 2
_STRETCH = _OWN + DRAWS
#: A fault that does not apply gives way to another one, drawn by the lower digits of the same number.
_DRAWN_AGAIN = 32
_LOWER_DIGITS = 7_919.0
_DUE = itemgetter(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """What is to go wrong in a corpus.

    Args:
        share: part of all pings, 0 to 1.
        weights: of each fault, by name; empty: every fault that an endpoint must reject, by its own weight.
        late_ms: how late a late ping is at most.
        dialect: of the corpus.
        start_ms: the beginning of the simulation.
    """

    share: float
    weights: Mapping[str, float]
    late_ms: int
    dialect: Dialect
    start_ms: int

    def chosen(self) -> dict[str, float]:
        """The weight of every fault that can occur."""
        if self.weights:
            return {name: weight for name, weight in self.weights.items() if weight > 0}
        return {name: fault.weight for name, fault in FAULTS.items() if fault.expect == "reject"}


class Injector:
    """Puts faults into the rows of one cohort.

    Args:
        plan: what is to go wrong.
        kinds: the cohort's kinds; those of broken pings are registered here.
        seed: the corpus's seed.
        clients: the cohort.
    """

    def __init__(self, plan: FaultPlan, kinds: Kinds, *, seed: int, clients: range) -> None:
        self._plan = plan
        self._kinds = kinds
        self._clients = clients
        numbers = np.arange(clients.start, clients.stop)
        self._keys = client_keys(seed, "faults", numbers)
        self._ids = DocumentIds(seed, clients)
        self._previous_ms = np.zeros(len(clients), dtype=np.int64)
        self._held: list[Row] = []
        self._schemas = load_schemas(plan.dialect)
        chosen = plan.chosen()
        self._chosen = chosen
        self._choices: dict[str, Choice[str]] = {}
        self.lead_ms = LEAD_MS if any(chosen.get(name) for name in _BEFORE_TIME) else 0

    def apply(self, rows: list[Row], until_ms: int | None = None) -> None:
        """Give every row its document id, and some of them a fault. Works on the list in place.

        Args:
            rows: new rows in the order in which each client made them; each is to come here once. What is due at
                `until_ms` or later is kept back for a later call, because pings are numbered as they are due.
            until_ms: milliseconds since the Unix epoch before which nothing more will come; None for the last call.
        """
        rows[:0] = self._held
        self._held = [] if until_ms is None else [row for row in rows if row[0] >= until_ms]
        if self._held:
            rows[:] = [row for row in rows if row[0] < until_ms]  # type: ignore[operator] # nothing is held without it
        if not rows:
            return
        rows.sort(key=_DUE)
        member = np.fromiter((row[1] for row in rows), np.int64, len(rows)) - self._clients.start
        number, id_text = self._ids.take(member + self._clients.start)
        ids = split_uuids(id_text)
        previous = self._previous(member, np.fromiter((row[0] for row in rows), np.int64, len(rows)))
        position = number.astype(np.uint64) * np.uint64(_STRETCH)
        hits = np.flatnonzero(uniforms(self._keys[member], position) < self._plan.share)
        counters = position[hits, None] + np.arange(_STRETCH, dtype=np.uint64)[None, :]
        draws = uniforms(self._keys[member[hits], None], counters).tolist()
        rows[:] = [row if row[4] is not None else (*row[:4], id_) for row, id_ in zip(rows, ids, strict=True)]
        for i, own in zip(hits.tolist(), draws, strict=True):
            broken = self._broken(rows[i], int(previous[i]), own)
            if broken is None:
                continue
            row, again = broken
            if again:
                rows.append(row)
            else:
                rows[i] = row

    def _previous(self, member: npt.NDArray[np.int64], due: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """When the client of each row made the ping before it; 0 where there was none."""
        grouped = np.argsort(member, kind="stable")
        sorted_member, sorted_due = member[grouped], due[grouped]
        first = np.ones(len(member), dtype=bool)
        first[1:] = sorted_member[1:] != sorted_member[:-1]
        before = np.empty(len(member), dtype=np.int64)
        before[1:] = sorted_due[:-1]
        before[first] = self._previous_ms[sorted_member[first]]
        self._previous_ms[member[grouped]] = sorted_due  # of equal places the last one stays
        result = np.empty(len(member), dtype=np.int64)
        result[grouped] = before
        return result

    def _broken(self, row: Row, previous_ms: int, draws: list[float]) -> tuple[Row, bool] | None:
        """The row with the fault drawn for it, or with the next one that applies; and whether it comes besides."""
        due_ms, client, code, text, id_ = row
        kind = self._kinds.kinds[code]
        carrier = ping_types()[kind.ping].carrier
        choice = self._choices.get(carrier)
        if choice is None:
            fitting = {
                name: weight for name, weight in self._chosen.items() if carrier in FAULTS[name].carriers
            }
            if not fitting:
                return None
            choice = self._choices[carrier] = Choice(fitting)
        subject = Subject(
            id=id_ or "",
            ping=kind.ping,
            carrier=carrier,
            route=kind.route,
            address=kind.address,
            text=text,
            document=json.loads(text),
            schemas=self._schemas,
            due_ms=due_ms,
            previous_ms=previous_ms,
            start_ms=self._plan.start_ms,
            late_ms=self._plan.late_ms,
            draws=draws[_OWN:],
        )
        for name in _in_turn(choice, draws[_WHICH]):
            broken = FAULTS[name].make(subject)
            if broken is not None:
                code = self._kinds.code(broken_kind(kind, name, FAULTS[name], broken))
                due = due_ms if broken.due_ms is None else broken.due_ms
                return (due, client, code, broken_body(text, broken), id_), broken.again
        return None


def _in_turn(choice: Choice[str], u: float) -> Iterator[str]:
    """The fault at `u`, then others by their weights as long as that one does not apply, at last all the rest."""
    tried: dict[str, None] = {}
    for _ in range(_DRAWN_AGAIN):
        name = choice(u)
        u = (u * _LOWER_DIGITS) % 1.0
        if name not in tried:
            tried[name] = None
            yield name
    yield from (name for name in choice.values if name not in tried)


def broken_kind(kind: Kind, name: str, fault: Fault, broken: Broken) -> Kind:
    """The kind of a broken ping: labelled, with the address and headers that the fault gave it."""
    return Kind(
        kind.ping,
        kind.product,
        kind.route,
        broken.address or kind.address,
        label=name,
        expect=fault.expect,
        headers={**kind.headers, **broken.headers},
        base64=broken.data is not None or (kind.base64 and broken.text is None),
    )


def broken_body(text: str, broken: Broken) -> str:
    """The body as a record line holds it."""
    if broken.data is not None:
        return '"' + base64.b64encode(broken.data).decode("ascii") + '"'
    return text if broken.text is None else broken.text
