from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.pings.containers.event_record import cut, event_fragment


def parsed(fragment: str) -> list[object]:
    return json.loads("[1," + fragment)


@pytest.mark.parametrize(
    ("value", "extra", "rest"),
    [
        (None, None, []),
        ("stateButton", None, ["stateButton"]),
        (None, {"a": "b"}, [None, {"a": "b"}]),
        ("exp", {"reason": "name-conflict"}, ["exp", {"reason": "name-conflict"}]),
        ("", {}, [""]),
    ],
)
def test_trailing_absents_are_dropped(value, extra, rest):
    assert parsed(event_fragment("c", "m", "o", value, extra)) == [1, "c", "m", "o", *rest]


def test_values_are_cut_at_eighty_bytes_on_a_code_point():
    record = parsed(event_fragment("c", "m", "o", "x" + "é" * 60, {"source": "€" * 30}))
    assert record[4] == "x" + "é" * 39
    assert record[5] == {"source": "€" * 26}


@given(st.text(max_size=200), st.integers(0, 120))
def test_cut_is_the_longest_fitting_beginning(text, most):
    result = cut(text, most)
    assert text.startswith(result)
    assert len(result.encode()) <= most
    if result != text:
        assert len(text[: len(result) + 1].encode()) > most


@given(st.text(), st.dictionaries(st.text(max_size=15), st.text(), max_size=10))
def test_any_text_gives_ascii_json(value, extra):
    fragment = event_fragment("c", "m", "o", value, extra)
    assert fragment.isascii()
    assert 5 <= len(parsed(fragment)) <= 6
