"""On a machine where nothing can be installed, the developer gets one sentence that says why, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE_FROM = ("Makefile", "uv.pin", "requirements-dev.lock", "dev/bootstrap.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dev").mkdir()
    for name in MADE_FROM:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(checkout: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=checkout, env=clean | env, capture_output=True, text=True)


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that was printed, without make's own closing line."""
    assert ended.returncode
    (said,) = [
        line for line in (ended.stdout + ended.stderr).splitlines() if not line.startswith("make: ***")
    ]
    return said


@pytest.fixture
def base_python() -> str:
    return getattr(sys, "_base_executable", sys.executable)


@pytest.mark.parametrize("target", ["venv", "run", "test"])
def test_a_wrong_python_is_named(checkout: Path, target: str) -> None:
    said = sentence(make(checkout, target, "PYTHON=false"))
    assert said.startswith("Python 3.11 or newer is needed and false is not it")


def test_a_machine_without_python_gets_the_package_to_install(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(shutil.which(name) or "")
    said = sentence(make(checkout, "venv", PATH=str(tools)))
    assert said.startswith("Python 3.11 or newer is needed: on Debian as root apt-get install python3")


def test_a_python_without_pip_and_ensurepip_names_debians_package(
    checkout: Path, tmp_path: Path, base_python: str
) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in ("pip", "ensurepip"):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}')")
    said = sentence(make(checkout, "venv", f"PYTHON={base_python}", PYTHONPATH=str(absent)))
    assert "has neither pip nor ensurepip" in said and "python3-venv" in said


def test_packages_that_cannot_be_fetched_are_reported_and_tried_again(
    checkout: Path, tmp_path: Path, base_python: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(empty), "PIP_CONFIG_FILE": os.devnull}
    for _ in range(2):
        said = sentence(make(checkout, "venv", f"PYTHON={base_python}", **offline))
        assert said.startswith("The packages of uv.pin could not be installed (is the network there?)")


def test_an_existing_environment_is_left_alone(checkout: Path) -> None:
    made = checkout / ".venv" / "bin"
    made.mkdir(parents=True)
    (made / "python").symlink_to(sys.executable)
    locks = b"".join((checkout / name).read_bytes() for name in ("requirements-dev.lock", "uv.pin"))
    (checkout / ".venv" / ".ok").write_bytes(os.fsencode(checkout.resolve() / ".venv") + locks)
    assert make(checkout, "venv").returncode == 0
    assert [entry.name for entry in made.iterdir()] == ["python"]
