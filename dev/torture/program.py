"""The invoicing programs that a run can stand beside: how one is started, hurt, connected, and looked into.

Called by `run` and `traffic`. A further one is a class here and a line in PROGRAMS: its stand-in, the keys that a
merchant types, the kinds of its faults, what its list and its ledger say. Shares no code with the app.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import requests

from dev.child import MARK, Child
from dev.house import ROOT, House, answers
from dev.merchant import until
from dev.servers import free_port
from dev.verdict import ledger

Json = dict[str, Any]


class Program(ABC):
    """A stand-in of the sandbox in a process of its own, which the killer leaves alone."""

    name: ClassVar[str]
    """The adapter, the end of its keys form's address, and the stand-in's module."""

    def __init__(self, folder: Path, promise: str) -> None:
        self.folder, self.promise = folder, promise
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._child: Child | None = None

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """What the app must be told to find it."""

    @property
    @abstractmethod
    def keys(self) -> dict[str, str]:
        """What the merchant types into the keys form."""

    @property
    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """The kinds of fault that a run must have met."""

    @abstractmethod
    def listed(self) -> dict[str, tuple[str, str]]:
        """Number and total by order, as its own list shows them to a merchant."""

    @property
    def arguments(self) -> str:
        """What its command needs beside port and folder."""
        return ""

    def begin(self, house: House) -> None:
        """It answers; the house need not run yet."""
        words = f"-m sandbox.{self.name} --port {self.port} --data {self.folder} {self.arguments}"
        # without the house's mark: clearing the house leaves it alone
        self._child = Child(
            self.name, [sys.executable, *words.split()], house.logs / f"{self.name}.log", house.env | {MARK: ""}, ROOT
        )  # fmt: skip
        self._child.start()
        until(lambda: answers(f"{self.url}/sandbox/health"), f"the program {self.name}")

    def end(self) -> None:
        """It is gone; its ledger stays."""
        if self._child is not None:
            self._child.stop()

    def misbehave(self, share: float, latest: float, lag: int, seed: str) -> None:
        """Nothing; from now on that share of its calls goes wrong, and a search shows a document so late."""
        self.tell("switches", **{"search-lag": str(lag)})
        self.tell("faults", share=share, latest=latest, seed=seed)

    def behave(self) -> None:
        """Nothing; no further call goes wrong."""
        self.tell("faults", share=0)

    def faults(self) -> tuple[int, dict[str, int]]:
        """How many calls it took, and how many of each kind went wrong."""
        found: Json = requests.get(f"{self.url}/sandbox/faults", timeout=10).json()
        return found["calls"], found["kinds"]

    def ledger(self) -> dict[str, list[Json]]:
        """What it issued, by order, from the file that it alone writes."""
        return ledger(self.folder / "ledger.jsonl")

    def tell(self, path: str, **sent: Any) -> None:
        """Nothing; one of its control routes was told so."""
        requests.post(f"{self.url}/sandbox/{path}", json=sent, timeout=10).raise_for_status()


class Plain(Program):
    """The plain program, which keeps whichever promise it is told to."""

    name = "plain"

    @property
    def settings(self) -> dict[str, str]:
        return {"PLAIN_URL": self.url}

    @property
    def keys(self) -> dict[str, str]:
        return {"entity": "1", "key": "key-of-1", "promise": self.promise}

    @property
    def kinds(self) -> tuple[str, ...]:
        from sandbox.plain.faults import WRITES

        return WRITES

    @property
    def arguments(self) -> str:
        return f"--promise {self.promise} --seconds 0.05"

    def listed(self) -> dict[str, tuple[str, str]]:
        shown: list[Json] = requests.get(f"{self.url}/sandbox/documents", timeout=30).json()
        return {one["reference"].rsplit("-", 1)[1]: (one["number"], one["total"]) for one in shown}


PROGRAMS: dict[str, type[Program]] = {"plain": Plain}
"""By the name that PROVIDER= chooses."""
