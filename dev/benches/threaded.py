"""Workers as threads of one process, which the app does not have: only to be measured beside its forked ones.

`python -m dev.benches.threaded NUMBER`, started by dev.benches.workers. Each thread does what a worker's job does, over
and over; the figures, and why it is not done so, stand in docs/decisions/0004-workers-are-processes.md.
"""

from __future__ import annotations

import sys
import threading
import time

from flask import Flask

from shopapp import create_app, jobs
from shopapp.models import db


def work(app: Flask) -> None:
    """Nothing, ever: the loop of a job, again and again."""
    while True:
        with app.app_context():
            jobs.loop(time.monotonic() + jobs.LOOP_SECONDS)
            db.session.remove()
        time.sleep(0.1)


def main(number: int) -> None:
    """Nothing, until the process is ended."""
    app = create_app()
    threads = [threading.Thread(target=work, args=(app,)) for _ in range(number)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
