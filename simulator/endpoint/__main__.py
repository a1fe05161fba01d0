"""`python -m simulator.endpoint SETTINGS`: what `EndpointProcess` starts. People use `telsim serve`."""

from __future__ import annotations

import sys

import msgspec

from simulator.endpoint.server import announce, serve
from simulator.endpoint.settings import Settings
from simulator.errors import TelsimError


def main() -> int:
    """Serve with the settings given as JSON in the only argument."""
    try:
        return serve(msgspec.json.decode(sys.argv[1], type=Settings), ready=announce)
    except TelsimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
