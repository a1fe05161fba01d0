"""`telsim init`: a commented scenario to start from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[str, typer.Argument(help="The file to write; - prints it.")] = "scenario.toml",
) -> None:
    """Write a commented scenario that runs, with every key, its default and what it may be.

    Example: telsim init mine.toml && telsim generate mine.toml --out corpus
    """
    import re
    import shlex

    from simulator.errors import InputError, UsageError
    from simulator.export.starter import starter_scenario

    if not file.isprintable():
        raise UsageError(f"{file!r}: a name that cannot be printed cannot stand in the file's comments")
    path = Path("scenario.toml" if file == "-" else file)
    name = re.sub(r"[^a-z0-9-]+", "-", path.stem.lower()).strip("-")[:64] or "scenario"
    word = shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))  # as it can be typed off
    text = starter_scenario(name, file=word)
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        with open(path, "x", encoding="utf-8") as written:
            try:
                written.write(text)
                written.flush()
            except OSError:
                path.unlink()  # half a scenario would be in the way of the next try
                raise
    except FileExistsError as error:
        raise UsageError(f"{path}: is there already; nothing is overwritten, give another name") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    sys.stdout.write(f"{path}: written; next: telsim generate {word} --out corpus\n")
