"""The command `python -m sandbox.vies`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.web import serve

from . import Register, create


def main() -> None:
    """Nothing until the stand-in is told to end."""
    asked = argparse.ArgumentParser(prog="python -m sandbox.vies", description="The VIES stand-in.")
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument(
        "--data", type=Path, required=True, help="the folder in which what it was told is kept"
    )
    given = asked.parse_args()
    register = Register(given.data)
    serve(create(register), given.port, closing=register.shelf.close)


main()
