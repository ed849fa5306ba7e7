"""The command `python -m sandbox.jumpseller`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.web import serve

from . import create, parts_of


def main() -> None:
    """Nothing until the stand-in is told to end."""
    asked = argparse.ArgumentParser(
        prog="python -m sandbox.jumpseller", description="The Jumpseller stand-in."
    )
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--data", type=Path, required=True, help="the folder in which everything is kept")
    asked.add_argument("--app-url", required=True, help="where the application answers")
    asked.add_argument("--public", default="", help="under which address a browser finds this stand-in")
    asked.add_argument("--clock-scale", type=float, default=1, help="how much faster hooks are tried again")
    given = asked.parse_args()
    public = given.public or f"http://localhost:{given.port}"
    app = create(given.data, given.app_url, public, given.clock_scale)
    serve(app, given.port, closing=parts_of(app).close)


main()
