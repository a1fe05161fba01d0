"""The tape: a corpus for one target, cut into ready-made request bytes, so that nothing is made while measuring."""

from simulator.tape.build import TapeBuilder
from simulator.tape.spec import TapeSpec
from simulator.tape.tape import Tape

__all__ = ["Tape", "TapeBuilder", "TapeSpec"]
