"""Serve the Shopkit stand-in: `python -m sandbox.shopkit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.core.server import serve

from . import components_of, create_app


def main() -> None:
    """Serve the stand-in until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.shopkit", description="The Shopkit stand-in.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the state")
    parser.add_argument("--public", default="", help="the address of this stand-in for a browser")
    parser.add_argument("--app-url", default="", help="the address of the application, for a link")
    parser.add_argument("--clock-scale", type=float, default=1, help="how much faster webhooks are retried")
    arguments = parser.parse_args()
    public = arguments.public or f"http://localhost:{arguments.port}"
    app = create_app(arguments.data, public, arguments.app_url, arguments.clock_scale)
    serve(app, arguments.port, closing=components_of(app).close)


main()
