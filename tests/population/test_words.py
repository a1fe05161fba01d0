"""Words are Faker's own, however they are asked for."""

from __future__ import annotations

from faker import Faker

from simulator.population.words import Words
from simulator.randomness import purpose_key


def test_words_are_those_that_faker_gives_with_all_its_providers() -> None:
    words = Words(7, "a purpose")
    fake = Faker("en_US", use_weighting=False)
    fake.seed_instance(purpose_key(7, "a purpose") % 2**32)
    for _ in range(50):
        assert words.word() == fake.word()
        assert words.domain_word() == fake.domain_word()
        assert words.letters(24) == fake.pystr(min_chars=24, max_chars=24)
