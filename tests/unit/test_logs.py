"""Log lines: one format, UTC, nothing that can forge a line; and the security events with their table."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shopapp import logs
from shopapp.config import ConfigError, load
from shopapp.logs import EVENTS, LineFormatter

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = [
    "\n",
    "\r",
    "\t",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "é",
    '"',
    "\\",
    "=",
]


@pytest.fixture(autouse=True)
def _about_nothing() -> Iterator[None]:
    logs.begin()
    yield
    logs.begin()


def record(message: str, *values: Any, name: str = "shopapp.x", **more: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, values, more.pop("exc_info", None))
    made.created = 1767225599.9994
    for key, value in more.items():
        setattr(made, key, value)
    return made


def test_a_line_says_when_in_utc_and_what_it_is_about() -> None:
    logs.begin(request="00ff", client="2001:db8::1")
    logs.bind(store=7)
    assert LineFormatter().format(record("two %s", "words")) == (
        "time=2025-12-31T23:59:59.999Z level=warning logger=shopapp.x request=00ff client=2001:db8::1 store=7"
        ' msg="two words"'
    )
    assert json.loads(LineFormatter("json").format(record("two %s", "words"))) == {
        "time": "2025-12-31T23:59:59.999Z", "level": "warning", "logger": "shopapp.x", "request": "00ff",
        "client": "2001:db8::1", "store": 7, "msg": "two words",
    }  # fmt: skip
    logs.begin()
    assert "store" not in LineFormatter().format(record("next"))


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_value_breaks_a_line_or_changes_the_terminal(kind: str, text: str) -> None:
    try:
        raise ValueError(f"a{text}time=x")
    except ValueError as error:
        failed = record(f"a%s{text}", text, exc_info=(ValueError, error, error.__traceback__))
    event = record("x", event="rate-limited", facts={"page": f"{text}forged=1"})
    for line in (LineFormatter(kind).format(failed), LineFormatter(kind).format(event)):
        assert line.isascii() and line.isprintable()


def test_every_logger_of_the_process_writes_in_our_format(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    for handler in before:
        if isinstance(handler.formatter, LineFormatter):
            root.removeHandler(handler)
    try:
        logs.configure("WARNING", "text")
        logs.configure("WARNING", "text")
        logging.getLogger("some.library").warning("a\nb")
        logging.getLogger("shopapp.x").info("left out")
        logs.log_event("document-issued", document=3)
        lines = capsys.readouterr().err.splitlines()
    finally:
        root.handlers = before
        logging.getLogger("shopapp").setLevel(logging.INFO)
    assert [line.partition(" ")[2] for line in lines] == [
        'level=warning logger=some.library msg="a\\nb"',
        "level=info logger=shopapp.security event=document-issued document=3",
    ]


@pytest.mark.parametrize("given", ["8.8.8.8", "::1", "2001:DB8::1", "a\nb", "", None, "8.8.8.8, 1.1.1.1"])
def test_a_client_is_an_address_or_unknown(given: str | None) -> None:
    known = {"8.8.8.8": "8.8.8.8", "::1": "::1", "2001:DB8::1": "2001:db8::1"}
    assert logs.client_address(given) == known.get(given or "", "unknown")


def test_an_unknown_format_of_the_log_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="LOG_FORMAT"):
        load({**settings, "DATABASE_URL": "sqlite://", "LOG_FORMAT": "xml"})


def logged_events() -> set[str]:
    """Return the names in every call of log_event."""
    found = set()
    for path in (ROOT / "shopapp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "log_event"
            ):
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: name the event"
                found.add(node.args[0].value)
    return found


def test_the_operators_table_has_every_security_event_that_is_logged() -> None:
    page = (ROOT / "docs" / "operating.md").read_text().partition("## The log")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.*) \|$", page, re.M)
    assert rows == [
        (name, logging.getLevelName(level).lower(), text) for name, (level, text) in EVENTS.items()
    ]
    assert logged_events() == set(EVENTS)
