"""Work in the background: the queue, the worker and the clock."""

from __future__ import annotations

import click
from flask import Flask

from shopapp.jobs import restore
from shopapp.jobs.clock import run_clock
from shopapp.jobs.queue import WorkQueue
from shopapp.jobs.worker import DRAIN_SECONDS, supervise_workers


def init_app(app: Flask) -> None:
    """Add the work queue and the commands `worker`, `clock`, `hold` and `verify` to the app."""
    job_seconds = DRAIN_SECONDS + app.config["LEASE_SECONDS"] + 30
    app.extensions["work_queue"] = WorkQueue(app.config["REDIS_URL"], app.config["WORKERS"], job_seconds)

    @app.cli.command("worker")
    @click.option("--number", type=int, default=None, help="How many workers; WORKERS when not given.")
    def worker(number: int | None) -> None:
        """Start the workers and replace those that die; on SIGTERM end each after its job."""
        supervise_workers(app, number or app.config["WORKERS"])

    @app.cli.command("hold")
    def hold() -> None:
        """Stop all issuing until `verify` succeeds."""
        restore.hold_issuing()
        click.echo("Nothing is issued until `verify` succeeds.")

    @app.cli.command("verify")
    def verify() -> None:
        """Compare all stores with their shops and providers after a restore, then resume issuing."""
        if failed := restore.verify_restore():
            raise click.ClickException("still held, as these could not be compared:\n" + "\n".join(failed))
        click.echo("All stores are compared; issuing goes on.")

    @app.cli.command("clock")
    def clock() -> None:
        """Do what is due by time, every CLOCK_SECONDS, until SIGTERM."""
        run_clock(app)
