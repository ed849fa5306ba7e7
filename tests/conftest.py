"""Fixtures for every test; the pytest hooks are in tests/pytest_hooks.py.

`app` and `client` (each test finds them as if new), `db` (the app's database, inside an app context), `make_app`
(an app with other settings), `valkey`, `stack` (the real processes, shared by the tests of a module), `page`
(Chromium).
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from sqlalchemy import Engine
from werkzeug.routing import Rule

from dev.local_stack import LocalStack, load_or_create_secrets
from dev.servers import MissingServer, Valkey
from tests.databases import Database, DatabaseServer, PostgreSQL, Sqlite
from tests.pytest_hooks import (
    pytest_addoption,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    pytest_xdist_make_scheduler,
)

SERVER_CLASSES = {"sqlite": Sqlite, "postgres": PostgreSQL}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What a test waits for in a page comes at once, except on a busy machine.
BROWSER_MS = 60_000
expect.set_options(timeout=BROWSER_MS)

# the same examples in each run: a change is judged by what it changed, and chance searches by night
hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

__all__ = [
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
]


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Let no test connect to anything but loopback, where every answer may take its time."""
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("", "localhost", "::1") and not str(host).startswith("127."):
            raise AssertionError(f"a test wanted to talk to {host}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", only_loopback)
        # On a busy machine Redis may take longer to answer than a web process waits.
        patch.setattr("shopapp.jobs.queue._REDIS_TIMEOUT", 20.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _share_compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share compiled templates, routes and statements between apps: compiling takes half of a test's time."""
    built: dict[object, Any] = {}
    build = Rule._compile_builder
    compiled: dict[str, tuple[Any, Any]] = {}
    make_engine = SQLAlchemy._make_engine

    def built_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = rule.rule, tuple(rule._trace), tuple((rule.defaults or {}).items()), append_unknown
        if key not in built:
            built[key] = build(rule, append_unknown)
        return built[key]

    def sharing(self: SQLAlchemy, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        engine = make_engine(self, bind_key, options, app)
        kept = compiled.setdefault(engine.dialect.name, (engine.dialect, engine._compiled_cache))
        engine.dialect, engine._compiled_cache = kept
        return engine

    with pytest.MonkeyPatch.context() as patch:
        kept = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": kept})
        patch.setattr(Rule, "_compile_builder", built_once)
        patch.setattr(SQLAlchemy, "_make_engine", sharing)
        yield


# --- the servers ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Return a real Redis-compatible server, shared by this run; `stack` has its own."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _servers() -> Iterator[dict[str, DatabaseServer | str]]:
    # kept here and not in `server`, which is torn down whenever the kind changes
    started: dict[str, DatabaseServer | str] = {}
    yield started
    for server in started.values():
        if not isinstance(server, str):
            server.stop()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, _servers: dict[str, DatabaseServer | str]) -> DatabaseServer:
    """Return the kind of database for this test (tests/pytest_hooks.py says which tests run on which kind)."""
    kind: str = request.param
    if kind not in _servers:
        try:
            _servers[kind] = SERVER_CLASSES[kind]()
        except MissingServer as problem:
            _servers[kind] = str(problem)
    found = _servers[kind]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def _databases() -> dict[str, Database]:
    return {}


@pytest.fixture
def database(
    server: DatabaseServer, _databases: dict[str, Database], settings: dict[str, str], valkey: Valkey
) -> Database:
    """Return a migrated database without rows."""
    if server.kind not in _databases:
        _databases[server.kind] = Database(server, lambda url: _migrate(settings | {"DATABASE_URL": url}))
    _databases[server.kind].delete_rows()
    return _databases[server.kind]


def _migrate(settings: dict[str, str]) -> None:
    from shopapp import create_app

    result = create_app(settings).test_cli_runner().invoke(args=["release"])
    assert result.exit_code == 0, f"the migrations failed: {result.output} {result.exception!r}"


# --- the app ----------------------------------------------------------------------------------------------


class Client(FlaskClient):
    """A browser whose requests share nothing with the test's own app context, as on a real server.

    It first commits what the test wrote, so that the request sees it and no lock blocks it.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        from flask import has_app_context

        from shopapp.models import db

        if has_app_context():
            db.session.commit()
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture(scope="session")
def settings(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return settings for an app under test; no external address can be reached."""
    from shopapp.config import SETTINGS

    for setting in SETTINGS:
        # Settings in the developer's own environment must not affect the tests.
        os.environ.pop(setting.name, None)
    nowhere = "http://127.0.0.1:9"
    return load_or_create_secrets(tmp_path_factory.mktemp("secrets") / "secrets.json") | {
        "APP_URL": "http://localhost",
        "REDIS_URL": valkey.url,
        "JUMPSELLER_CLIENT_ID": "quick-invoice",
        "JUMPSELLER_CLIENT_SECRET": "sandbox-secret",
        "JUMPSELLER_ACCOUNTS_URL": nowhere,
        "JUMPSELLER_API_URL": f"{nowhere}/v1",
        "JUMPSELLER_ADMIN_ORIGINS": "http://admin.localhost",
        "IGEST_URL": f"{nowhere}/webservice.php",
        "VIES_URL": nowhere,
        "ALLOW_PLAIN_HTTP": "1",
    }


@pytest.fixture(scope="session")
def _apps() -> dict[str, tuple[Flask, dict[str, Any], object]]:
    return {}


@pytest.fixture
def make_app(
    database: Database,
    settings: dict[str, str],
    valkey: Valkey,
    _apps: dict[str, tuple[Flask, dict[str, Any], object]],
) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates an app on this test's database: `make_app(WORKERS="1")`.

    A test's first app with the usual settings is the same as that of the test before, with its settings restored:
    creating one takes as long as an average test.
    """
    from shopapp import create_app
    from shopapp.connections import api_usage
    from shopapp.models import db
    from shopapp.web.limits import limiter

    made: list[Flask] = []

    def make(**overrides: Any) -> Flask:
        is_usual = not overrides and not made
        app, kept, counts = _apps.get(database.url, (None, {}, None))
        # the limits of all apps count where the app that was created last has its Redis
        if is_usual and app is not None and counts is limiter.storage:
            app.config.clear()
            app.config.update(kept)
            app.extensions["work_queue"].failures = 0
        else:
            app = create_app({**settings, "DATABASE_URL": database.url, **overrides})
            app.testing = True
            app.test_client_class = Client
        if is_usual:
            _apps[database.url] = app, dict(app.config), limiter.storage
        made.append(app)
        return app

    with redis.from_url(valkey.url) as connection:
        connection.flushall()
    # Drop uncounted calls of an earlier test's account: saving them would fail, and the rollback would expire
    # this test's rows.
    api_usage._unsaved_calls.clear()
    if limiter.initialized:
        with contextlib.suppress(redis.RedisError):  # that of an earlier test's app, which is gone
            limiter.reset()
    yield make
    for app in made:
        with app.app_context():
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return the app on an empty database."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without cookies."""
    return app.test_client()


@pytest.fixture
def db(app: Flask) -> Iterator[SQLAlchemy]:
    """Return the app's database, inside an app context."""
    from shopapp.models import db

    with app.app_context():
        yield db
        db.session.rollback()


# --- real processes and browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(server: DatabaseServer) -> Iterator[LocalStack]:
    """Return the whole app as real processes on a new database, shared by the tests of a module."""
    with LocalStack(
        database_url=server.create_migrated_database(), is_migrated=True, clock_scale=60
    ) as stack:
        yield stack


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Debian's Chromium, or of the one that CHROMIUM names."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else CHROMIUM)), None)
    if not found:
        pytest.skip("No Chromium on this machine: install chromium, or set CHROMIUM to its path.")
    return found


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return the Playwright instance that launches Chromium; a process may have only one."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Return a headless Chromium."""
    browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a new browser context."""
    context = browser.new_context(locale="pt-PT")
    context.set_default_timeout(BROWSER_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Return an empty page of the browser context."""
    return context.new_page()
