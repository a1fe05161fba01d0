"""Batches: items put together into one body, as the target's envelope says."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from simulator.tape.items import Item
from simulator.target.profile import Envelope
from simulator.target.template import PingFacts, Template, fields_in

_STEP_ITEMS = 5_000
_NO_FACTS = PingFacts("", "", "", "", "", 0, 0)


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body before compression; item i is `text[starts[i]:stops[i]]`."""

    text: bytes
    starts: list[int]
    stops: list[int]


class Wrapper:
    """Puts items together.

    Args:
        envelope: prefix, separator, suffix and what stands around each item.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._prefix, self._separator, self._suffix = (
            Template(text) for text in (envelope.prefix, envelope.separator, envelope.suffix)
        )
        self._item_prefix, self._item_suffix = Template(envelope.item_prefix), Template(envelope.item_suffix)
        around = envelope.prefix + envelope.separator + envelope.suffix
        #: Whether the first ping's id stands outside of the items too.
        self.names_the_first = "id" in fields_in(around)

    def wrap(self, items: list[Item]) -> Generator[None, None, Body]:
        """The body of a batch; yields between steps."""
        facts = items[0].facts or _NO_FACTS
        pieces = [self._prefix.fill(facts)]
        separator = self._separator.fill(facts)
        position, starts, stops = len(pieces[0]), [], []
        for number, item in enumerate(items):
            if number:
                pieces.append(separator)
                position += len(separator)
                if number % _STEP_ITEMS == 0:
                    yield
            own = item.facts or _NO_FACTS
            piece = self._item_prefix.fill(own) + item.body + self._item_suffix.fill(own)
            starts.append(position)
            position += len(piece)
            stops.append(position)
            pieces.append(piece)
        pieces.append(self._suffix.fill(facts))
        return Body(b"".join(pieces), starts, stops)
