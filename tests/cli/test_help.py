"""The help of each command can be read, and typed off, as it stands."""

import pytest

from simulator.cli import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_each_example_begins_a_line_of_its_own(command, name):
    lines = [line.strip() for line in command(name, "--help").stdout.splitlines()]
    examples = [place for place, line in enumerate(lines) if "Example:" in line]
    assert examples
    for place in examples:
        assert lines[place].startswith(f"Example: telsim {name}")
        assert lines[place].count("Example:") == 1
        assert not lines[place - 1]
