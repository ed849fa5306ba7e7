"""The skeletons of `make new-provider` and `make new-platform`, written into a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shopapp", "sandbox", "dev", "tests", "migrations", "pyproject.toml", "wsgi.py")
PROVIDER, PLATFORM = "demobooks", "demoshop"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return a copy of the repository with both skeletons, and the files that were written or changed."""
    folder = tmp_path_factory.mktemp("skeletons")
    ignored = shutil.ignore_patterns("cassettes", "kill_points", "*.sql", ".*cache")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    (folder / "tests/contract/cassettes").mkdir()
    written: list[str] = []
    for kind, name in (("provider", PROVIDER), ("platform", PLATFORM)):
        done = run(folder, "dev.new_adapter", kind, name)
        assert done.returncode == 0, done.stderr
        written += done.stdout.split("\nNext:")[0].splitlines()
    return folder, sorted(set(written))


def run(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "20000", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.sweep
def test_the_skeletons_pass_the_linter_the_types_and_the_import_rules(copy: tuple[Path, list[str]]) -> None:
    folder, written = copy
    python = [name for name in written if name.endswith(".py")]
    checks = [
        run(folder, "ruff", "check", "--no-cache", *python),
        run(folder, "ruff", "format", "--no-cache", "--check", *python),
        run(folder, "mypy", f"shopapp/providers/{PROVIDER}", f"shopapp/platforms/{PLATFORM}"),
        lint_imports(folder),
    ]  # fmt: skip
    for check in checks:
        assert check.returncode == 0, check.stdout + check.stderr


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_skeletons_tests_fail_until_the_adapter_is_written(copy: tuple[Path, list[str]]) -> None:
    folder, _ = copy
    done = run(
        folder, "pytest", "-n", "0", "-q", "--tb=no", "-p", "no:cacheprovider", "-k", f"{PROVIDER} or {PLATFORM}",
        "tests/contract/test_providers.py", "tests/contract/test_platforms.py", "tests/contract/test_articles.py",
        f"tests/unit/providers/{PROVIDER}", f"tests/unit/platforms/{PLATFORM}",
    )  # fmt: skip
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    assert len(failures) > 40, done.stdout + done.stderr
    other = [line for line in failures if "not written yet" not in line]
    assert not other, "\n".join(other)


def test_a_name_that_is_taken_is_refused(copy: tuple[Path, list[str]]) -> None:
    folder, _ = copy
    for kind, name in (("provider", "igest"), ("platform", PROVIDER), ("provider", "Not a name")):
        assert run(folder, "dev.new_adapter", kind, name).returncode == 2
