"""The command `python -m sandbox.vies`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.core.server import serve

from . import VatRegister, create_app


def main() -> None:
    """Serve the stand-in until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.vies", description="The VIES stand-in.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the verdicts")
    arguments = parser.parse_args()
    register = VatRegister(arguments.data)
    serve(create_app(register), arguments.port, closing=register.storage.close)


main()
