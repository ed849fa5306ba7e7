"""The steps of a key change during a torture run, and what counts as an error of it."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from stdnum.pt import nif

from dev.local_stack import LocalStack
from dev.torture.key_change import KeyChange
from dev.torture.traffic import make_buyers


class FakeStack(SimpleNamespace):
    def __init__(self, folder: Path, said: str) -> None:
        super().__init__(env={"SEAL_KEYS": "old"}, logs=folder, said=said, web_log="")
        self.restarted: list[str] = []

    def restart(self, name: str, settings: Mapping[str, str]) -> None:
        self.restarted.append(f"{name} {settings['SEAL_KEYS']}")

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, 0, self.said, "")

    def log(self, name: str) -> str:
        return str(self.web_log) if name == "web" else ""


@pytest.fixture
def used() -> list[str]:
    return []


@pytest.fixture
def change(tmp_path: Path, used: list[str], monkeypatch: pytest.MonkeyPatch) -> KeyChange:
    monkeypatch.setattr(KeyChange, "_reseal_again_and_again", lambda self: None)

    def restart(settings: Mapping[str, str]) -> None:
        used.append(settings["SEAL_KEYS"])

    stack: Any = FakeStack(tmp_path, "a1b2: nothing needs it: it may be removed, once ...")
    return KeyChange(cast(LocalStack, stack), restart, "s")


def test_the_new_key_is_readable_everywhere_before_anything_is_written_with_it(
    change: KeyChange, used: list[str]
) -> None:
    change.advance(0.1)
    assert used == []
    change.advance(0.2)
    assert used == [f"old,{change.new}"] and not change.changed_at
    change.advance(0.5)
    change.advance(0.9)
    assert used[1:] == [f"{change.new},old"] and change.changed_at
    change.finish([])
    stack: Any = change.stack
    assert stack.restarted == [f"{name} {change.new}" for name in ("web", "worker", "clock")]
    assert len(used) == 2 and stack.env["SEAL_KEYS"] == change.new
    assert change.errors == []


def test_only_a_database_that_was_struck_excuses_a_failed_reseal(change: KeyChange) -> None:
    change.failed = [((10.0, 12.0), "OperationalError"), ((30.0, 32.0), "KeyError")]
    change.finish([(11.0, 15.0)])
    assert change.errors == ["flask reseal: KeyError"]
    assert (change.runs["struck"], change.runs["failed"]) == (1, 1)


def test_a_value_that_nobody_could_decrypt_and_a_key_still_needed_are_errors(change: KeyChange) -> None:
    stack: Any = change.stack
    stack.said, stack.web_log = "a1b2: 3 values need it", "webhook 7 DecryptionError: hook.body"
    change.finish([])
    needed, undecrypted = change.errors
    assert "3 values need it" in needed and undecrypted.startswith("web could not decrypt")


def test_a_run_that_tried_nothing_is_wrong(change: KeyChange) -> None:
    assert len(change.wrong) == 2


def test_every_buyer_has_a_valid_tax_id_and_their_own_name() -> None:
    buyers = make_buyers(random.Random("s"))
    assert all(nif.is_valid(one["nif"]) for one in buyers)
    assert len({one["nif"] for one in buyers}) == len({str(one["buyer"]) for one in buyers}) == len(buyers)
