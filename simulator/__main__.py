"""`python -m simulator` is `telsim`."""

from simulator.cli import main

if __name__ == "__main__":
    main()
