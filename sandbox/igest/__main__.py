"""Serve the iGEST stand-in: `python -m sandbox.igest --port P --data DIR --public URL`."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from sandbox.core.server import serve

from .app import create_app


def main() -> None:
    """Serve the stand-in until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.igest")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--public", default="", metavar="URL", help="the address at the beginning of url_pdf")
    parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--seed", default="1480", help="the keys of the entities are derived from it")
    arguments = parser.parse_args()
    app = create_app(
        arguments.data,
        arguments.public or f"http://127.0.0.1:{arguments.port}",
        arguments.today,
        arguments.seed,
    )
    serve(app, arguments.port, closing=app.extensions["program"].close)


if __name__ == "__main__":
    main()
