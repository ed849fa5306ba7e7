"""`make run`: one command starts everything, Ctrl-C leaves nothing behind, and every failure is one sentence."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.child_process import ON_LINUX, orphaned_processes
from dev.local_stack import ROOT, Ports
from dev.servers import port_in_use

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not ON_LINUX, reason="only Linux shows which processes a run left behind"),
]

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def first_port() -> int:
    # below the ports that other tests take one by one
    for first in random.SystemRandom().sample(range(10_000, 19_000, 10), 100):
        if not Ports.starting_at(first).in_use():
            return first
    raise AssertionError("no free ports")


@pytest.fixture
def run(tmp_path: Path, first_port: int) -> Iterator[Run]:
    begun: list[subprocess.Popen[str]] = []

    def run(**env: str) -> subprocess.Popen[str]:
        kept_out = ("DATABASE_URL", "REDIS_URL", "VERBOSE")
        clean = {name: value for name, value in os.environ.items() if name not in kept_out}
        given = {"FOLDER": str(tmp_path / "var"), "PORT": str(first_port), **env}
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "dev.run"],
                cwd=ROOT,
                env=clean | given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield run
    for process in begun:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate()


def until_up(process: subprocess.Popen[str]) -> str:
    """Return the first line that it printed; once that line is there, everything answers."""
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line, process.stderr and process.stderr.read()
    return line


def fetched(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def test_the_first_line_is_the_address_to_open_and_ctrl_c_leaves_nothing_running(
    run: Run, tmp_path: Path, first_port: int
) -> None:
    process = run()
    assert until_up(process) == f"http://localhost:{first_port}/"
    assert fetched(f"http://localhost:{first_port}/") == 200
    assert (tmp_path / "var" / "secrets.json").stat().st_mode & 0o777 == 0o600

    # a second run in the same folder is refused
    _, wrong = run(PORT=str(first_port + 10)).communicate(timeout=60)
    assert wrong == f"Quick Invoice already runs in this folder (process {process.pid}).\n"

    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, wrong) == (0, "") and said.endswith("Stopped.\n")
    assert orphaned_processes(tmp_path / "var") == []
    assert not Ports.starting_at(first_port).in_use()


def test_a_killed_run_blocks_no_other_and_one_without_a_part_stops(
    run: Run, tmp_path: Path, first_port: int
) -> None:
    process = run()
    until_up(process)
    secrets = (tmp_path / "var" / "secrets.json").read_bytes()
    process.kill()
    process.wait()
    assert orphaned_processes(tmp_path / "var") and port_in_use(first_port)

    again = run()
    assert until_up(again) == f"http://localhost:{first_port}/"
    assert (tmp_path / "var" / "secrets.json").read_bytes() == secrets, "the data of the first one is lost"
    for pid in orphaned_processes(tmp_path / "var"):
        if b"clock" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, signal.SIGKILL)
    _, wrong = again.communicate(timeout=60)
    assert again.returncode == 1 and wrong.startswith("clock ended with status -9.")
    assert orphaned_processes(tmp_path / "var") == []


def test_a_port_in_use_is_reported_in_one_sentence(run: Run, first_port: int) -> None:
    with socket.create_server(("127.0.0.1", first_port + 2)):
        process = run()
        said, wrong = process.communicate(timeout=60)
    assert process.returncode == 1 and said == ""
    assert wrong == (
        f"Port {first_port + 2} is used by another program: stop it, "
        "or choose others with make run PORT=7800.\n"
    )


@pytest.mark.parametrize("port", ["eighty", "80", "70000"])
def test_a_port_that_is_no_number_is_reported_in_one_sentence(run: Run, port: str) -> None:
    _, wrong = run(PORT=port).communicate(timeout=60)
    assert wrong == f"PORT={port} is not a port: choose a number from 1024 to 65000.\n"


def test_the_release_step_says_that_the_database_is_missing(run: Run, tmp_path: Path) -> None:
    process = run(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    _, wrong = process.communicate(timeout=60)
    assert process.returncode == 1 and wrong.startswith("release ended with status")
    assert orphaned_processes(tmp_path / "var") == []
