"""Work in the background: the queue, the worker and the clock."""

from __future__ import annotations

import click
from flask import Flask

from shopapp.jobs import restore
from shopapp.jobs.clock import run_clock
from shopapp.jobs.queue import WorkQueue
from shopapp.jobs.worker import DRAIN_SECONDS, supervise_workers


def init_app(app: Flask) -> None:
    """Nothing; the bell and the commands `worker` and `clock` join the app."""
    job_seconds = DRAIN_SECONDS + app.config["LEASE_SECONDS"] + 30
    app.extensions["work_queue"] = WorkQueue(app.config["REDIS_URL"], app.config["WORKERS"], job_seconds)

    @app.cli.command("worker")
    @click.option("--number", type=int, default=None, help="How many workers; WORKERS when not given.")
    def worker(number: int | None) -> None:
        """Starts the workers and keeps them; ends them on SIGTERM, each after its job."""
        supervise_workers(app, number or app.config["WORKERS"])

    @app.cli.command("hold")
    def hold() -> None:
        """Stops all issuing until `verify` finds all well."""
        restore.hold_issuing()
        click.echo("Nothing is issued until `verify` has found all well.")

    @app.cli.command("verify")
    def verify() -> None:
        """After a backup was restored: asks what was issued since, then lets issuing go on."""
        if failed := restore.verify_restore():
            raise click.ClickException("still held, as these could not be compared:\n" + "\n".join(failed))
        click.echo("All is compared; issuing goes on.")

    @app.cli.command("clock")
    def clock() -> None:
        """Looks for what is due, every CLOCK_SECONDS, until SIGTERM."""
        run_clock(app)
