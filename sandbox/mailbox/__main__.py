"""The command `python -m sandbox.mailbox`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.web import serve

from . import Letters, create, smtp


def main() -> None:
    """Nothing until the mailbox is told to end."""
    asked = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description="The mailbox stand-in.")
    asked.add_argument("--port", type=int, required=True, help="of the page")
    asked.add_argument("--smtp-port", type=int, required=True)
    asked.add_argument("--data", type=Path, required=True, help="the folder in which messages are kept")
    given = asked.parse_args()
    letters = Letters(given.data)
    door = smtp(letters, given.smtp_port)
    door.start()
    serve(create(letters), given.port, closing=door.stop)


main()
