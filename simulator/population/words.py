"""Words for the pools, from Faker; drawn once a scenario, never while people are simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from faker import Faker

from simulator.randomness import purpose_key

#: Those of Faker's providers that the pools need, of some thirty; `company` and `person` are behind domain names.
_PROVIDERS: Final = [
    "faker.providers.company",
    "faker.providers.internet",
    "faker.providers.lorem",
    "faker.providers.person",
    "faker.providers.python",
]


class Words:
    """A seeded Faker.

    Args:
        seed: the corpus's seed.
        purpose: what the words are for.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._fake = Faker("en_US", providers=_PROVIDERS, use_weighting=False)
        self._fake.seed_instance(purpose_key(seed, purpose) % 2**32)
        self._words = self._fake.get_words_list()
        self._choice: Callable[[Sequence[str]], str] = self._fake.random.choice

    def word(self) -> str:
        """What Faker's `word` gives, without its copying all words three times for each."""
        return self._choice(self._words)

    def domain_word(self) -> str:
        """What stands before the first dot of a domain."""
        return self._fake.domain_word()

    def letters(self, count: int) -> str:
        """So many random letters of both cases."""
        return self._fake.pystr(min_chars=count, max_chars=count)
