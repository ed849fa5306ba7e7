"""Serve the PHC GO stand-in: `python -m sandbox.phcgo --port P --data DIR --public URL`."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from sandbox.core.server import serve

from .app import create_app


def main() -> None:
    """Serve the stand-in until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.phcgo")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--public", default="", metavar="URL", help="the address under which the installations are"
    )
    parser.add_argument(
        "--smtp", default="", metavar="HOST:PORT", help="the server for outgoing e-mail; none if empty"
    )
    parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD")
    arguments = parser.parse_args()
    app = create_app(
        arguments.data,
        arguments.public or f"http://127.0.0.1:{arguments.port}",
        arguments.today,
        arguments.smtp,
    )
    serve(app, arguments.port, closing=app.extensions["program"].close)


if __name__ == "__main__":
    main()
