"""A child is gone when it was stopped or killed, with everything that it started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import child as child_module
from dev.child import MARK, Child, Failed, clear, leftovers

# a worker with a work-horse as RQ has it: in a process group of its own, deaf to SIGTERM
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
def make(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    made: list[Child] = []

    def make(code: str, name: str = "part") -> Child:
        made.append(Child(name, [sys.executable, "-c", code], tmp_path / f"{name}.log"))
        return made[-1]

    yield make
    for child in made:
        child.kill()


def with_horse(make: Callable[..., Child]) -> tuple[Child, int]:
    child = make(WITH_HORSE)
    child.start()
    child.until(lambda: "horse" in child.last_words())
    return child, int(child.last_words().split()[1])


def runs(pid: int) -> bool:
    return child_module._runs(pid)


def test_a_stopped_child_takes_its_work_horse_with_it(make: Callable[..., Child]) -> None:
    child, horse = with_horse(make)
    assert runs(horse) and sorted(child.members()) == sorted([child.pid, horse])
    child.stop()
    assert not runs(horse) and child.members() == [] and child.status == -signal.SIGTERM


def test_a_killed_child_takes_its_work_horse_with_it(make: Callable[..., Child]) -> None:
    child, horse = with_horse(make)
    child.kill()
    assert not runs(horse) and child.status == -signal.SIGKILL


def test_a_horse_whose_worker_died_by_itself_is_found_all_the_same(make: Callable[..., Child]) -> None:
    child, horse = with_horse(make)
    os.kill(child.pid, signal.SIGKILL)
    child.until(lambda: True)
    child.stop()
    assert not runs(horse)


def test_a_child_that_hears_nothing_is_ended_by_force(make: Callable[..., Child]) -> None:
    child = make(DEAF)
    child.start()
    child.until(lambda: "deaf" in child.last_words())
    child.stop(seconds=0.2)
    assert child.status == -signal.SIGKILL


def test_a_paused_child_can_be_stopped(make: Callable[..., Child]) -> None:
    child, _ = with_horse(make)
    child.signal(signal.SIGSTOP)
    child.stop(seconds=0.2)
    assert child.members() == []


def test_a_child_that_falls_is_named_with_its_last_words(make: Callable[..., Child]) -> None:
    child = make("import sys; print('no such table: shop'); sys.exit(3)", name="clock")
    child.start()
    with pytest.raises(Failed) as failure:
        child.until(lambda: False)
    assert str(failure.value) == "clock ended with status 3. Its last words:\nno such table: shop"


def test_a_child_that_never_comes_up_is_said_to_be_late(make: Callable[..., Child]) -> None:
    child = make("import signal; signal.pause()")
    child.start()
    with pytest.raises(Failed, match="was not ready after 0 s"):
        child.until(lambda: False, seconds=0)


@pytest.mark.skipif(not child_module.ON_LINUX, reason="only Linux shows the environment of a process")
def test_what_a_killed_run_left_behind_is_found_by_its_folder(
    make: Callable[..., Child], tmp_path: Path
) -> None:
    child, other = make("import signal; signal.pause()"), make("import signal; signal.pause()", "other")
    child.env[MARK], other.env[MARK] = str(tmp_path), str(tmp_path / "another")
    child.start()
    other.start()
    child.until(lambda: leftovers(tmp_path) == [child.pid])
    clear(tmp_path)
    assert not runs(child.pid) and other.alive
