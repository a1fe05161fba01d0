from __future__ import annotations

import json

import pytest

from simulator.pings.secure_proxy.events import (
    CATEGORY,
    OBJECTS,
    WITH_BUTTON,
    WITH_VERSION,
    secure_proxy_event,
)

PAIRS = [(method, object_) for method, objects in OBJECTS.items() for object_ in objects]


def value_of(object_):
    return "0.8" if object_ in WITH_VERSION else "toggleButton" if object_ in WITH_BUTTON else None


def test_the_document_lists_twenty_two_pairs():
    assert len(PAIRS) == len(set(PAIRS)) == 22


@pytest.mark.parametrize(("method", "object_"), PAIRS)
def test_records_have_four_items_or_five_with_a_value(method, object_):
    value = value_of(object_)
    record = json.loads("[7," + secure_proxy_event(method, object_, value))
    assert record == [7, "secure.proxy", method, object_, *([value] if value else [])]


@pytest.mark.parametrize(
    ("method", "object_", "value"),
    [
        ("general", "authStarted", None),
        ("state", "proxyEnabled", "stateButton"),
        ("general", "panelShown", None),
        ("general", "install", None),
        ("fxa", "authStarted", "now"),
        ("general", "proxyEnabled", None),
        ("general", "proxyDisabled", "menu"),
    ],
)
def test_what_the_document_does_not_list_is_refused(method, object_, value):
    with pytest.raises(ValueError, match=object_):
        secure_proxy_event(method, object_, value)


def test_identifiers_could_be_registered():
    assert len(CATEGORY) <= 30
    for method, object_ in PAIRS:
        assert len(method) <= 20
        assert len(object_) <= 20
        assert method.replace("_", "").isalnum()
        assert object_.isalnum()
