"""What clients do with a ping that an endpoint did not take, as the delivery code of real products does it.

`simulator.client.delivery_policy` models one client's queue to the letter. A drill plays thousands of clients with
few pings each, so of their policies only what follows a failure counts here; the figures are the same ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from simulator.client.delivery_policy import GLEAN, LEGACY, NEW_TAB
from simulator.clock import MS_PER_SECOND
from simulator.errors import UsageError
from simulator.target import Target
from simulator.target.profile import Retry

PolicyName = Literal["glean", "legacy", "none"]

_SERVER_TROUBLE = (408, 429, 500, 502, 503, 504, 507)
_MOST_TRIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One way of delivering.

    Args:
        title: one line for a person.
        keeps: a ping that was not taken is kept and tried again, so an outage alone loses none.
        wait_s: until the next try.
        longest_wait_s: where the wait doubles, up to which; 0 where it stays as it is.
    """

    title: str
    keeps: bool
    wait_s: float = 0.0
    longest_wait_s: float = 0.0


_POLICIES: dict[PolicyName, Policy] = {
    "glean": Policy(
        title="Glean: kept on disk, tried again in the next upload window of a minute",
        keeps=GLEAN.retries,
        wait_s=GLEAN.window_ms / MS_PER_SECOND,
    ),
    "legacy": Policy(
        title="TelemetrySend: kept on disk, tried again after 1 minute, then 2, 4, ... up to 120",
        keeps=LEGACY.retries,
        wait_s=LEGACY.first_backoff_ms / MS_PER_SECOND,
        longest_wait_s=LEGACY.longest_backoff_ms / MS_PER_SECOND,
    ),
    "none": Policy(
        title="structured ingestion: one try, a failure is logged and the ping forgotten",
        keeps=NEW_TAB.retries,
    ),
}

#: The policies by name. Read-only.
POLICIES: Mapping[PolicyName, Policy] = MappingProxyType(_POLICIES)


def policy_named(name: str) -> tuple[PolicyName, Policy]:
    """A policy by its name.

    Raises:
        UsageError: there is none of that name.
    """
    for known, policy in POLICIES.items():
        if known == name:
            return known, policy
    raise UsageError(f"there is no delivery policy {name!r}; there are: {', '.join(POLICIES)}")


def target_with(target: Target, policy: Policy, *, hurry: float) -> Target:
    """A target whose clients deliver by a policy.

    Args:
        target: where to and how; its own retry rules are replaced.
        policy: the policy.
        hurry: by how much the policy's waits are shortened, so that a drill takes seconds and not hours.
    """
    if not policy.keeps:
        retry = Retry(policy="none", statuses=(), network=False, refused=True)
    else:
        retry = Retry(
            policy="exponential" if policy.longest_wait_s else "fixed",
            attempts=_MOST_TRIES,
            wait_s=policy.wait_s / hurry,
            longest_wait_s=policy.longest_wait_s / hurry,
            statuses=_SERVER_TROUBLE,
            honour_retry_after=False,
            refused=True,
        )
    return target.model_copy(update={"retry": retry})


def target_toml(target: Target) -> str:
    """A target as the text of a target file."""
    data = target.model_dump(mode="json", exclude_none=True)
    lines = [f"{key} = {_inline(value)}" for key, value in data.items() if not _is_table(value)]
    for key, value in data.items():
        if isinstance(value, dict) and value:
            lines += [f"[{key}]", *(f"{_inline(str(k))} = {_inline(v)}" for k, v in value.items())]
        elif _is_table(value):
            for table in value:
                lines += [f"[[{key}]]", *(f"{_inline(str(k))} = {_inline(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_inline(str(key))} = {_inline(inner)}" for key, inner in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)  # TOML's strings, numbers and booleans are written as JSON's
