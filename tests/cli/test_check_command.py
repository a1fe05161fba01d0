"""Options of `telsim check`; what it finds is tested beside what finds it."""

import pytest


@pytest.mark.parametrize("dialect", ["foo", "wired", ""])
def test_a_dialect_that_there_is_not_is_refused_whatever_is_checked(command, dialect):
    done = command("check", "--dialect", dialect, "smoke")
    assert done.returncode == 2
    assert "'documented', 'wire'" in done.stderr


def test_either_dialect_may_be_named(command):
    for dialect in ("documented", "wire"):
        assert command("check", "--dialect", dialect, "smoke").returncode == 0
