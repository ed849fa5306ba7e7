"""The command `python -m sandbox.mailbox`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.core.server import serve

from . import Mailbox, create_app, smtp_controller


def main() -> None:
    """Serve the mailbox until it is stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description="The mailbox stand-in.")
    parser.add_argument("--port", type=int, required=True, help="the port of the page")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder in which messages are kept")
    arguments = parser.parse_args()
    mailbox = Mailbox(arguments.data)
    controller = smtp_controller(mailbox, arguments.smtp_port)
    controller.start()
    serve(create_app(mailbox), arguments.port, closing=controller.stop)


main()
