"""One road down: a file imports only what stands beneath it (docs/architecture.md, section 2)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.import_rules import (
    IMPORT_RULES,
    ROOT,
    import_cycles,
    imports_of,
    module_of,
    parsed,
    rule_of,
    violations,
)

SHOPAPP = sorted((ROOT / "shopapp").rglob("*.py"))


def test_every_file_imports_only_what_stands_beneath_it() -> None:
    found = [offence for path in [*SHOPAPP, ROOT / "wsgi.py"] for offence in violations(path)]
    assert not found, "\n" + "\n".join(found)


def test_there_is_no_circle() -> None:
    found = import_cycles(SHOPAPP)
    assert not found, "\n" + "\n".join(" -> ".join(way) for way in found)


@pytest.mark.parametrize("package", ["shopapp", "sandbox"])
def test_the_program_and_its_stand_ins_share_no_code(package: str) -> None:
    other = {"shopapp": {"sandbox", "dev", "tests"}, "sandbox": {"shopapp", "dev", "tests"}}[package]
    found = [
        f"{path.relative_to(ROOT)}:{seen.line}: imports {seen.target}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for seen in imports_of(path.read_text(), module_of(path), path.name == "__init__.py")
        if seen.target.split(".")[0] in other
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_file_asks_which_platform_or_provider_it_has() -> None:
    names = {
        path.stem
        for side in ("platforms", "providers")
        for path in (ROOT / "shopapp" / side).iterdir()
        if (path.suffix == ".py" or (path.is_dir() and path.name[0] != "_"))
        and path.stem not in ("__init__", "base", "oauth")
    }
    found = []
    for path in SHOPAPP:
        if path.relative_to(ROOT).parts[1] in ("platforms", "providers"):
            names_here = names - {path.relative_to(ROOT).with_suffix("").parts[2]}
        else:
            names_here = names
        for node in ast.walk(parsed(path.read_text())):
            if isinstance(node, (ast.Compare, ast.MatchValue)):
                asked = {word.value for word in ast.walk(node) if isinstance(word, ast.Constant)} & names_here
                found += [f"{path.relative_to(ROOT)}:{node.lineno}: asks for {name}" for name in asked]
    assert not found, "\n" + "\n".join(found)


MADE_UP = [
    ("fiscal/invented.py", "import flask", "fiscal/invented.py:1: shopapp.fiscal.invented may not"),
    ("fiscal/invented.py", "x = 1\nfrom ..models import db", ":2: shopapp.fiscal.invented may not"),
    ("fiscal/invented.py", "import time", "the law knows no clock"),
    ("fiscal/money.py", "from .tax import rate", "may not import shopapp.fiscal.tax_tables.rate"),
    ("models/invented.py", "from shopapp.fiscal.invoice import invoice", "may not import"),
    ("platforms/invented.py", "from shopapp.providers.base import Once", "may not import"),
    ("providers/invented.py", "from flask import current_app", "may not import flask.current_app"),
    ("providers/invented.py", "import requests", "may not import requests"),
    (
        "documents/issue.py",
        "def ring():\n    from .jobs import ring",
        "documents/issue.py:2: shopapp.documents.issue may not",
    ),
    ("web/home.py", "from shopapp import issuing", "may not import shopapp.documents.issue"),
    ("web/home.py", "import redis", "may not import redis"),
    (
        "web/home.py",
        "from shopapp.jobs.maintenance import compare",
        "may not import shopapp.jobs.maintenance",
    ),
    ("anteroom.py", "", "the house has no such room"),
]


@pytest.mark.parametrize(("file", "source", "expected"), MADE_UP)
def test_a_forbidden_import_is_caught_with_its_line(file: str, source: str, expected: str) -> None:
    (found,) = violations(ROOT / "shopapp" / file, source)
    assert expected in found


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "fiscal/invented.py",
            "import csv\nfrom decimal import Decimal\nfrom .money import cents\nimport stdnum.pt",
        ),
        ("models/invented.py", "from sqlalchemy import select\nfrom shopapp.fiscal.document import Kind"),
        ("web/documents/views.py", "from flask import request\nfrom shopapp.models import Document"),
    ],
)
def test_an_import_from_beneath_is_let_through(file: str, source: str) -> None:
    assert violations(ROOT / "shopapp" / file, source) == []


def test_the_inside_of_an_adapter_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "shopapp" / "platforms" / "invented"
    inside.mkdir(parents=True)
    (inside / "wire.py").touch()
    monkeypatch.setattr("tests.architecture.import_rules.ROOT", tmp_path)
    source = "from shopapp.platforms.invented.wire import order_from"
    (found,) = violations(tmp_path / "shopapp" / "connections/shop.py", source, tmp_path)
    assert "the inside of invented is its own" in found
    assert violations(inside / "orders.py", source, tmp_path) == []


@pytest.mark.parametrize(
    ("first", "second", "members"),
    [
        ("from shopapp.web.second import b", "from shopapp.web.first import a", ""),
        ("from .second import b", "def late():\n    from .first import a", ""),
        ("import shopapp.web.second", "from .first import a", ""),
        ("from . import second", "", "from .first import a"),
        ("from shopapp.web import second", "", "from shopapp.web.first import a"),
    ],
)
def test_a_circle_is_caught(tmp_path: Path, first: str, second: str, members: str) -> None:
    assert import_cycles(a_package(tmp_path, first, second, members), tmp_path)


@pytest.mark.parametrize(
    ("first", "members"),
    [
        ("from .second import b", "from .first import a\nfrom .second import b"),
        ("from . import second", ""),
        ("from shopapp.web import second", "import flask"),
    ],
)
def test_a_straight_road_is_no_circle(tmp_path: Path, first: str, members: str) -> None:
    assert import_cycles(a_package(tmp_path, first, "", members), tmp_path) == []


def a_package(folder: Path, first: str, second: str, members: str) -> list[Path]:
    package = folder / "shopapp" / "web"
    package.mkdir(parents=True)
    for name, source in {"first": first, "second": second, "__init__": members}.items():
        (package / f"{name}.py").write_text(source)
    return sorted(package.glob("*.py"))


def test_every_row_of_the_table_is_the_only_one_for_its_files() -> None:
    assert len({room.files for room in IMPORT_RULES}) == len(IMPORT_RULES)
    room = rule_of("shopapp.platforms.oauth")
    assert room is not None and room.files == "platforms.oauth"
