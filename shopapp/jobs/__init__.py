"""Work in the background: the queue, the worker and the clock."""

from __future__ import annotations

import click
from flask import Flask

from shopapp.jobs import reseal, restore
from shopapp.jobs.clock import run_clock
from shopapp.jobs.queue import WorkQueue
from shopapp.jobs.worker import DRAIN_SECONDS, supervise_workers
from shopapp.logs import log_event
from shopapp.models import BrowserSession, Store


def init_app(app: Flask) -> None:
    """Add the work queue and the commands for operators to the app."""
    job_seconds = DRAIN_SECONDS + app.config["LEASE_SECONDS"] + 30
    app.extensions["work_queue"] = WorkQueue(app.config["REDIS_URL"], app.config["WORKERS"], job_seconds)

    reseal.add_commands(app)

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

    _add_session_commands(app)


def _add_session_commands(app: Flask) -> None:
    @app.cli.command("sessions")
    @click.argument("code")
    def list_sessions(code: str) -> None:
        """List the open browser sessions of the store with this code."""
        for store in _stores(code):
            for row in BrowserSession.list_of_store(store):
                times = f"began {row.began_at:%Y-%m-%d %H:%M}, last used {row.used_at:%H:%M} UTC"
                click.echo(f"{store.platform} {store.code}: {times}, {row.browser or 'unknown browser'}")

    @app.cli.command("end-sessions")
    @click.argument("code")
    def end_sessions(code: str) -> None:
        """End every browser session of the store with this code; its merchant can open the app again."""
        for store in _stores(code):
            ended = BrowserSession.end_of_store(store.id)
            log_event("session-ended", how="operator", store=store.id, count=ended)
            click.echo(f"{store.platform} {store.code}: {ended} ended")


def _stores(code: str) -> list[Store]:
    """Return the stores with this code, one for each platform. Raises ClickException when there is none."""
    found = Store.find_by_code(code)
    if not found:
        raise click.ClickException("no store has this code")
    return found
