"""Serve the plain provider: `python -m sandbox.plain --port P --data DIR --promise by_search`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.core.server import serve

from .app import GUARANTEES, create_app


def main() -> None:
    """Serve the stand-in until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.plain")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--promise", choices=GUARANTEES, default=GUARANTEES[0])
    parser.add_argument("--seconds", type=float, default=0.0, help="how long each call takes")
    arguments = parser.parse_args()
    serve(create_app(arguments.data, arguments.promise, arguments.seconds), arguments.port)


if __name__ == "__main__":
    main()
