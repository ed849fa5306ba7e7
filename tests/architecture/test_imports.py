"""The import rules: import-linter enforces them (`pyproject.toml`); these tests add the rules it can't express.

One test checks that import-linter does fail on a forbidden import.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOPAPP = sorted((ROOT / "shopapp").rglob("*.py"))


def run_lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the packages that the import contracts cover."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in ("shopapp", "sandbox", "dev"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("shopapp/fiscal/money.py", "from shopapp.web import home"),
        ("shopapp/fiscal/money.py", "import time"),
        ("shopapp/providers/igest/adapter.py", "from shopapp.models import Store"),
        ("shopapp/web/home.py", "from shopapp.documents import issue"),
        ("shopapp/web/home.py", "import redis"),
        ("shopapp/web/home.py", "from shopapp.providers.igest.client import IGestClient"),
        ("sandbox/core.py", "from shopapp.fiscal import money"),
        ("dev/run.py", "import tests.fakes"),
    ],
)
def test_a_forbidden_import_is_reported_with_its_line(checkout: Path, file: str, line: str) -> None:
    path = checkout / file
    path = path if path.exists() else checkout / file.replace(".py", "/__init__.py")
    before = path.read_text()
    path.write_text(before + f"\n{line}\n")
    try:
        result = run_lint_imports(checkout)
    finally:
        path.write_text(before)
    importer = file.removesuffix(".py").replace("/", ".")
    number = len(before.splitlines()) + 2
    assert result.returncode != 0
    assert any(importer in each and f"l.{number}" in each for each in result.stdout.splitlines()), (
        result.stdout
    )


WORDING = ("shopapp/messages/", "shopapp/config.py")
"""Where a platform or provider may be named: what a person reads, and the settings that belong to it."""


def test_only_wording_and_settings_name_the_second_platform() -> None:
    found = [
        f"{name}:{number}"
        for path in SHOPAPP
        if not (name := path.relative_to(ROOT).as_posix()).startswith(("shopapp/platforms/", *WORDING))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "shopkit" in line.casefold()
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_file_asks_which_platform_or_provider_it_has() -> None:
    names = {
        path.name
        for side in ("platforms", "providers")
        for path in (ROOT / "shopapp" / side).iterdir()
        if path.is_dir() and path.name[0] != "_"
    }
    found = []
    for path in SHOPAPP:
        own = (
            path.relative_to(ROOT).parts[2]
            if path.relative_to(ROOT).parts[1] in ("platforms", "providers")
            else ""
        )
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Compare, ast.MatchValue)):
                asked = {word.value for word in ast.walk(node) if isinstance(word, ast.Constant)} & (
                    names - {own}
                )
                found += [f"{path.relative_to(ROOT)}:{node.lineno}: asks for {name}" for name in asked]
    assert not found, "\n" + "\n".join(found)
