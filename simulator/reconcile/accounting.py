"""The join of what was sent, what was answered, what is stored, and what a correct endpoint had to do.

Everything here is NumPy over whole columns: no Python statement runs once for each ping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from simulator.corpus import Corpus
from simulator.reconcile.grouping import Groups, Mask, group
from simulator.reconcile.ledger import Ledger, hash_ids
from simulator.records import EXPECTATIONS, STATES
from simulator.rundir import Outcomes

UNSENT, ACCEPTED, REJECTED, FAILED, UNKNOWN = range(len(STATES))
_ACCEPT, _REJECT, _DUPLICATE = range(len(EXPECTATIONS))

_MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Truth:
    """What the corpus says of each of its records, in row order.

    Args:
        expect: position in `records.EXPECTATIONS`.
        label: position in `label_names`.
        ping: position in `ping_names`.
    """

    expect: npt.NDArray[np.uint8]
    label: npt.NDArray[np.uint16]
    ping: npt.NDArray[np.uint16]
    label_names: list[str]
    ping_names: list[str]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table of outcomes: how many pings of `name` ended in which state, and how many rightly.

    Args:
        expect: what a correct endpoint does with them; empty in the table by ping type.
        wrong: pings that were accepted or rejected against their label.
    """

    name: str
    expect: str = ""
    pings: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0
    unsent: int = 0
    wrong: int = 0


class Duplicates(msgspec.Struct, frozen=True, kw_only=True):
    """Copies in the store beyond the first of each id, by what caused them; and copies that were noticed in time."""

    by_retry: int = 0
    by_corpus: int = 0
    unexplained: int = 0
    noticed: int = 0


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One ping that something went wrong with."""

    what: str
    id: str
    ping: str
    label: str
    row: int
    status: int


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every ping. `pings = sent + unsent`, `sent = accepted + rejected + failed + unknown`.

    Args:
        lost: acknowledged as accepted, and not in the ledger; null without a ledger, like all that need one.
        duplicated: copies in the ledger beyond the first of each id that the run sent.
        stored_unacknowledged: failed or unknown to us, yet in the ledger.
        stored_though_rejected: answered as rejected, yet in the ledger.
        foreign: stored ids that this run did not send (an older run's, or somebody else's).
        met: ids of this run that the ledger lists, as stored or as refused.
        tried_again: of those sent, pings that took more than one try.
    """

    pings: int
    sent: int
    unsent: int
    accepted: int
    rejected: int
    failed: int
    unknown: int
    wrongly_accepted: int
    wrongly_rejected: int
    lost: int | None
    duplicated: int | None
    duplicates: Duplicates | None
    stored_unacknowledged: int | None
    stored_though_rejected: int | None
    foreign: int | None
    met: int | None
    tried_again: int = 0
    labels: list[Row]
    by_ping: list[Row]
    examples: list[Example]


def read_truth(corpus: Corpus) -> Truth:
    """The expectations, labels and ping types of a whole corpus (5 bytes a record)."""

    def column(name: str) -> npt.NDArray[np.int64]:
        parts = [np.asarray(part.index[name]) for part in corpus.parts]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    return Truth(
        expect=column("expect").astype(np.uint8),
        label=column("label").astype(np.uint16),
        ping=column("ping").astype(np.uint16),
        label_names=list(corpus.label_names),
        ping_names=list(corpus.ping_names),
    )


def account(outcomes: Outcomes, truth: Truth, ledger: Ledger | None, *, validates: bool = True) -> Accounting:
    """Joins the outcomes of a run with its corpus and the endpoint's ledger.

    Args:
        outcomes: rows of `records.OUTCOME_DTYPE`. Corpus records that no row of round 0 speaks of were not sent.
        truth: from `read_truth`, of the corpus that was replayed.
        ledger: what is stored; without one, pings are judged by their answers alone.
        validates: whether the endpoint tells valid pings from invalid ones; else it may take all of them.

    Raises:
        ValueError: an outcome speaks of a record that the corpus does not have: it is another corpus.
    """
    records = len(truth.expect)
    row = outcomes["row"].astype(np.int64)
    if len(row) and int(row.max()) >= records:
        raise ValueError(f"outcomes speak of record {int(row.max())}, the corpus has {records}")
    state = outcomes["state"]
    expect = truth.expect[row]
    groups = group(hash_ids(outcomes["id"]), ledger)
    never = np.ones(records, dtype=bool)
    never[row[outcomes["round"] == 0]] = False
    wrong = _judged_wrong(state, expect, groups, validates=validates)
    masks = wrong if ledger is None else wrong | _against_ledger(state, expect, groups)
    counts = np.bincount(state, minlength=len(STATES)).tolist()
    unsent = counts[UNSENT] + int(never.sum())
    duplicates = _duplicates(outcomes, groups) if ledger else None
    found = {name: int(mask.sum()) for name, mask in masks.items()}
    result = Accounting(
        pings=len(outcomes) + int(never.sum()),
        sent=len(outcomes) - counts[UNSENT],
        unsent=unsent,
        accepted=counts[ACCEPTED],
        rejected=counts[REJECTED],
        failed=counts[FAILED],
        unknown=counts[UNKNOWN],
        wrongly_accepted=found["wrongly_accepted"],
        wrongly_rejected=found["wrongly_rejected"],
        lost=found.get("lost"),
        duplicated=duplicates.by_retry + duplicates.by_corpus + duplicates.unexplained
        if duplicates
        else None,
        duplicates=duplicates,
        stored_unacknowledged=found.get("stored_unacknowledged"),
        stored_though_rejected=found.get("stored_though_rejected"),
        foreign=groups.foreign if ledger else None,
        met=groups.met if ledger else None,
        tried_again=int(((state != UNSENT) & (outcomes["attempt"] > 1)).sum()),
        labels=_label_rows(truth, row, state, never, wrong),
        by_ping=_ping_rows(truth, row, state, never, wrong),
        examples=_examples(masks | _trouble(state), outcomes, truth),
    )
    _check_sums(result)
    return result


def _check_sums(result: Accounting) -> None:
    """Every ping is in exactly one state, whichever way one counts.

    Raises:
        RuntimeError: it is not; this is a fault of telsim and never of the endpoint.
    """
    states = result.accepted + result.rejected + result.failed + result.unknown
    tables = [sum(row.pings for row in table) for table in (result.labels, result.by_ping)]
    if states != result.sent or result.sent + result.unsent != result.pings or {*tables} != {result.pings}:
        raise RuntimeError(f"the accounting does not add up: {result}")


def _judged_wrong(
    state: npt.NDArray[np.uint8], expect: npt.NDArray[np.uint8], groups: Groups, *, validates: bool
) -> dict[str, Mask]:
    """Answers that contradict the label. Of an original and its copy, either may come first and be the accepted one."""
    has_copy = groups.count(expect == _DUPLICATE)[groups.of_row] > 0
    twin_accepted = has_copy & (groups.count(state == ACCEPTED)[groups.of_row] > 0)
    return {
        "wrongly_accepted": (state == ACCEPTED) & (expect == _REJECT) & validates,
        "wrongly_rejected": (state == REJECTED) & (expect == _ACCEPT) & ~twin_accepted,
    }


def _against_ledger(
    state: npt.NDArray[np.uint8], expect: npt.NDArray[np.uint8], groups: Groups
) -> dict[str, Mask]:
    """Answers that contradict the store."""
    stored = groups.stored[groups.of_row] > 0
    acknowledged = groups.count(state == ACCEPTED)[groups.of_row] > 0
    unanswered = (state == FAILED) | (state == UNKNOWN)
    return {
        "lost": (state == ACCEPTED) & ~stored,
        "stored_unacknowledged": unanswered & stored & ~acknowledged,
        "stored_though_rejected": (state == REJECTED) & (expect != _DUPLICATE) & stored & ~acknowledged,
    }


def _trouble(state: npt.NDArray[np.uint8]) -> dict[str, Mask]:
    return {"failed": state == FAILED, "unknown": state == UNKNOWN}


def _duplicates(outcomes: Outcomes, groups: Groups) -> Duplicates:
    """Surplus copies of each id: first put down to the corpus sending it again, then to retries."""
    sent = groups.count(outcomes["state"] != UNSENT)
    attempts = np.maximum(groups.total(outcomes["attempt"].astype(np.int64)), sent)
    surplus = np.where(sent > 0, np.maximum(groups.stored - 1, 0), 0)
    by_corpus = np.minimum(surplus, np.maximum(sent - 1, 0))
    by_retry = np.minimum(surplus - by_corpus, attempts - sent)
    accepted = groups.count(outcomes["state"] == ACCEPTED)
    noticed = np.where(groups.stored > 0, np.maximum(accepted - groups.stored, 0), 0)
    return Duplicates(
        by_retry=int(by_retry.sum()),
        by_corpus=int(by_corpus.sum()),
        unexplained=int((surplus - by_corpus - by_retry).sum()),
        noticed=int(noticed.sum()),
    )


def _table(
    key: npt.NDArray[np.int64],
    kinds: int,
    row: npt.NDArray[np.int64],
    state: npt.NDArray[np.uint8],
    never: Mask,
) -> npt.NDArray[np.int64]:
    """Counts by (kind, state); records that no row speaks of count as unsent. `key` gives the kind of each record."""
    states = len(STATES)
    table = np.bincount(key[row] * states + state, minlength=kinds * states).reshape(kinds, states)
    table[:, UNSENT] += np.bincount(key[never], minlength=kinds)
    return table


def _rows(
    names: Sequence[tuple[str, str]], table: npt.NDArray[np.int64], wrong: npt.NDArray[np.int64]
) -> list[Row]:
    rows = [
        Row(
            name=name,
            expect=expect,
            pings=int(counts.sum()),
            accepted=int(counts[ACCEPTED]),
            rejected=int(counts[REJECTED]),
            failed=int(counts[FAILED]),
            unknown=int(counts[UNKNOWN]),
            unsent=int(counts[UNSENT]),
            wrong=int(bad),
        )
        for (name, expect), counts, bad in zip(names, table, wrong, strict=True)
    ]
    return sorted(
        (row for row in rows if row.pings), key=lambda row: (row.name != "valid", -row.pings, row.name)
    )


def _label_rows(
    truth: Truth,
    row: npt.NDArray[np.int64],
    state: npt.NDArray[np.uint8],
    never: Mask,
    wrong: dict[str, Mask],
) -> list[Row]:
    """The confusion matrix: one line for each label and expectation that occur."""
    key = truth.label.astype(np.int64) * len(EXPECTATIONS) + truth.expect
    names = [(label, expect) for label in truth.label_names for expect in EXPECTATIONS]
    return _rows(names, _table(key, len(names), row, state, never), _wrong_by(key, len(names), row, wrong))


def _ping_rows(
    truth: Truth,
    row: npt.NDArray[np.int64],
    state: npt.NDArray[np.uint8],
    never: Mask,
    wrong: dict[str, Mask],
) -> list[Row]:
    key = truth.ping.astype(np.int64)
    names = [(ping, "") for ping in truth.ping_names]
    return _rows(names, _table(key, len(names), row, state, never), _wrong_by(key, len(names), row, wrong))


def _wrong_by(
    key: npt.NDArray[np.int64], kinds: int, row: npt.NDArray[np.int64], wrong: dict[str, Mask]
) -> npt.NDArray[np.int64]:
    either = wrong["wrongly_accepted"] | wrong["wrongly_rejected"]
    return np.bincount(key[row[either]], minlength=kinds)


def _examples(masks: dict[str, Mask], outcomes: Outcomes, truth: Truth) -> list[Example]:
    """The first few pings of each kind of trouble."""
    found = []
    for what, mask in masks.items():
        for position in np.flatnonzero(mask)[:_MOST_EXAMPLES].tolist():
            outcome = outcomes[position]
            row = int(outcome["row"])
            found.append(
                Example(
                    what=what,
                    id=bytes(outcome["id"]).decode("ascii", "replace"),
                    ping=truth.ping_names[truth.ping[row]],
                    label=truth.label_names[truth.label[row]],
                    row=row,
                    status=int(outcome["status"]),
                )
            )
    return found
