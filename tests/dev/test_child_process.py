"""A stopped or killed child is gone, together with every process that it started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import child_process as child_module
from dev.child_process import STACK_MARK, ChildProcess, ProcessFailed, kill_orphans, orphaned_processes

# A worker with a work-horse as in RQ: in its own process group, ignoring SIGTERM.
WITH_HORSE = """
import os, signal, sys, time
if os.fork() == 0:
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("horse", os.getpid(), flush=True)
    signal.pause()
signal.pause()
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
signal.pause()
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., ChildProcess]]:
    made: list[ChildProcess] = []

    def make(code: str, name: str = "part") -> ChildProcess:
        made.append(ChildProcess(name, [sys.executable, "-c", code], tmp_path / f"{name}.log"))
        return made[-1]

    yield make
    for child in made:
        child.kill()


def with_horse(make: Callable[..., ChildProcess]) -> tuple[ChildProcess, int]:
    child = make(WITH_HORSE)
    child.start()
    child.wait_until(lambda: "horse" in child.log_tail())
    return child, int(child.log_tail().split()[1])


def runs(pid: int) -> bool:
    return child_module._is_running(pid)


def test_a_stopped_child_takes_its_work_horse_with_it(make: Callable[..., ChildProcess]) -> None:
    child, horse = with_horse(make)
    assert runs(horse) and sorted(child.members()) == sorted([child.pid, horse])
    child.stop()
    assert not runs(horse) and child.members() == [] and child.status == -signal.SIGTERM


def test_a_killed_child_takes_its_work_horse_with_it(make: Callable[..., ChildProcess]) -> None:
    child, horse = with_horse(make)
    child.kill()
    assert not runs(horse) and child.status == -signal.SIGKILL


def test_a_work_horse_whose_worker_died_is_still_found(make: Callable[..., ChildProcess]) -> None:
    child, horse = with_horse(make)
    os.kill(child.pid, signal.SIGKILL)
    child.wait_until(lambda: True)
    child.stop()
    assert not runs(horse)


def test_a_child_that_ignores_signals_is_killed(make: Callable[..., ChildProcess]) -> None:
    child = make(DEAF)
    child.start()
    child.wait_until(lambda: "deaf" in child.log_tail())
    child.stop(seconds=0.2)
    assert child.status == -signal.SIGKILL


def test_a_paused_child_can_be_stopped(make: Callable[..., ChildProcess]) -> None:
    child, _ = with_horse(make)
    child.signal(signal.SIGSTOP)
    child.stop(seconds=0.2)
    assert child.members() == []


def test_a_child_that_ends_by_itself_is_named_with_its_last_output(make: Callable[..., ChildProcess]) -> None:
    child = make("import sys; print('no such table: shop'); sys.exit(3)", name="clock")
    child.start()
    with pytest.raises(ProcessFailed) as failure:
        child.wait_until(lambda: False)
    assert str(failure.value) == "clock ended with status 3. Its last words:\nno such table: shop"


def test_a_child_that_never_becomes_ready_is_reported(make: Callable[..., ChildProcess]) -> None:
    child = make("import signal; signal.pause()")
    child.start()
    with pytest.raises(ProcessFailed, match="was not ready after 0 s"):
        child.wait_until(lambda: False, seconds=0)


@pytest.mark.skipif(not child_module.ON_LINUX, reason="only Linux shows the environment of a process")
def test_processes_of_a_killed_run_are_found_by_their_folder(
    make: Callable[..., ChildProcess], tmp_path: Path
) -> None:
    child, other = make("import signal; signal.pause()"), make("import signal; signal.pause()", "other")
    child.env[STACK_MARK], other.env[STACK_MARK] = str(tmp_path), str(tmp_path / "another")
    child.start()
    other.start()
    child.wait_until(lambda: orphaned_processes(tmp_path) == [child.pid])
    kill_orphans(tmp_path)
    assert not runs(child.pid) and other.alive
