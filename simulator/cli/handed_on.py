"""The words of a command line that `locust` gets, of commands that hand on whatever they do not know themselves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

#: Settings of such a command.
SETTINGS = {"context_settings": {"allow_extra_args": True, "ignore_unknown_options": True}}


def own_word(word: str, rest: Sequence[str], *, default: str) -> tuple[str, list[str]]:
    """The command's own argument, and what is for `locust`.

    The first word that is no option known here counts as the argument. Where nobody gave one, that is an option of
    Locust's, such as `-u`.

    Args:
        word: what was taken for the argument.
        rest: the words that came after it.
        default: the argument where there is none.
    """
    return (default, [word, *rest]) if word.startswith("-") else (word, list(rest))


def allowed_hosts(handed_on: Sequence[str]) -> tuple[str, ...]:
    """The hosts that `--allow-host NAME` and `--allow-host=NAME` among these words allow, or else the environment."""
    from simulator.guard import hosts_named

    following = [value for word, value in pairwise(handed_on) if word == "--allow-host"]
    joined = [word.partition("=")[2] for word in handed_on if word.startswith("--allow-host=")]
    return hosts_named(following + joined, os.environ)
