"""Delivery policies, and targets written as files."""

from __future__ import annotations

import pytest

from simulator.drill.policies import POLICIES, policy_named, target_toml, target_with
from simulator.errors import UsageError
from simulator.target import load_target
from simulator.target.profile import parse_target, shipped_targets


@pytest.mark.parametrize("name", shipped_targets())
@pytest.mark.parametrize("policy", POLICIES)
def test_a_target_survives_being_written(name: str, policy: str) -> None:
    target = target_with(load_target(name), POLICIES[policy_named(policy)[0]], hurry=60)
    assert parse_target(target_toml(target), where="target.toml") == target


def test_legacy_doubles_its_waits_up_to_two_hours() -> None:
    retry = target_with(load_target("structured"), POLICIES["legacy"], hurry=1).retry
    assert (retry.policy, retry.wait_s, retry.longest_wait_s) == ("exponential", 60, 7_200)
    assert 500 in retry.statuses
    assert 507 in retry.statuses
    assert 400 not in retry.statuses, "4xx is dropped as if it had been taken"
    assert not retry.honour_retry_after, "its waits are its own"


def test_structured_clients_try_once() -> None:
    retry = target_with(load_target("glean"), POLICIES["none"], hurry=1).retry
    assert (retry.policy, retry.network, retry.refused) == ("none", False, True)


def test_hurry_shortens_waits_alone() -> None:
    slow, fast = (target_with(load_target("telemetry"), POLICIES["glean"], hurry=hurry) for hurry in (1, 60))
    assert slow.retry.wait_s == 60 * fast.retry.wait_s
    assert slow.timeout_s == fast.timeout_s


def test_an_unknown_policy_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="glean, legacy, none"):
        policy_named("gelan")
