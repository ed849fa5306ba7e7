"""Workers as threads of one process, which the app does not use; measured only to compare them with forked ones.

`python -m dev.benchmarks.threaded_workers NUMBER`. Each thread repeats the work of a worker's job. The figures
and the reason for processes are in docs/decisions/0004-workers-are-processes.md.
"""

from __future__ import annotations

import sys
import threading
import time

from flask import Flask

from shopapp import create_app
from shopapp.jobs.worker import DRAIN_SECONDS, drain_due_work
from shopapp.models import db


def run_jobs(app: Flask) -> None:
    """Repeat a job's loop without end."""
    while True:
        with app.app_context():
            drain_due_work(time.monotonic() + DRAIN_SECONDS)
            db.session.remove()
        time.sleep(0.1)


def main(number: int) -> None:
    """Run until the process is ended."""
    app = create_app()
    threads = [threading.Thread(target=run_jobs, args=(app,)) for _ in range(number)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
