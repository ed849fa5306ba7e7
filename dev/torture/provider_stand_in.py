"""The invoicing programs that a run can stand beside: how one is started, hurt, connected, and looked into.

Called by `run` and `traffic`. A further one is a class here and a line in PROGRAMS: its stand-in, the keys that a
merchant types, the kinds of its faults, what its list and its ledger say. Shares no code with the app.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import requests

from dev.child_process import STACK_MARK, ChildProcess, ProcessFailed
from dev.local_stack import ROOT, LocalStack, is_answering
from dev.merchant import wait_until
from dev.servers import free_port
from dev.torture.verdict import read_documents

Json = dict[str, Any]


class ProviderStandIn(ABC):
    """A stand-in of the sandbox in a process of its own, which the killer leaves alone."""

    name: ClassVar[str]
    """The adapter, the end of its keys form's address, and the stand-in's module."""

    def __init__(self, folder: Path, promise: str) -> None:
        self.folder, self.guarantee = folder, promise
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._child: ChildProcess | None = None

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
    def fault_kinds(self) -> tuple[str, ...]:
        """The kinds of fault that a run must have met."""

    @abstractmethod
    def listed_documents(self) -> dict[str, tuple[str, str]]:
        """Number and total by order, as its own list shows them to a merchant."""

    @property
    def arguments(self) -> str:
        """What its command needs beside port and folder."""
        return ""

    def orphan_drafts(self) -> int:
        """How many drafts lie there that became no document."""
        return 0

    def start(self, stack: LocalStack) -> None:
        """It answers; the house need not run yet."""
        words = f"-m sandbox.{self.name} --port {self.port} --data {self.folder} {self.arguments}"
        # without the house's mark: clearing the house leaves it alone
        self._child = ChildProcess(
            self.name,
            [sys.executable, *words.split()],
            stack.logs / f"{self.name}.log",
            stack.env | {STACK_MARK: ""},
            ROOT,
        )
        self._child.start()
        wait_until(lambda: is_answering(f"{self.url}/sandbox/health"), f"the program {self.name}")

    def stop(self) -> None:
        """It is gone; its ledger stays."""
        if self._child is not None:
            self._child.stop()

    def start_faults(self, share: float, latest: float, lag: int, seed: str) -> None:
        """Nothing; from now on that share of its calls goes wrong, and a search shows a document so late."""
        self.post_control("switches", **{"search-lag": str(lag)})
        self.post_control("faults", share=share, latest=latest, seed=seed)

    def stop_faults(self) -> None:
        """Nothing; no further call goes wrong."""
        self.post_control("faults", share=0)

    def faults(self) -> tuple[int, dict[str, int]]:
        """How many calls it took, and how many of each kind went wrong."""
        found: Json = requests.get(f"{self.url}/sandbox/faults", timeout=10).json()
        return found["calls"], found["kinds"]

    def ledger_documents(self) -> dict[str, list[Json]]:
        """What it issued, by order, from the file that it alone writes."""
        return read_documents(self.folder / "ledger.jsonl")

    def post_control(self, path: str, **sent: Any) -> None:
        """Nothing; one of its control routes was told so."""
        requests.post(f"{self.url}/sandbox/{path}", json=sent, timeout=10).raise_for_status()


class PlainStandIn(ProviderStandIn):
    """The plain program, which keeps whichever promise it is told to."""

    name = "plain"

    @property
    def settings(self) -> dict[str, str]:
        return {"PLAIN_URL": self.url}

    @property
    def keys(self) -> dict[str, str]:
        return {"entity": "1", "key": "key-of-1", "promise": self.guarantee}

    @property
    def fault_kinds(self) -> tuple[str, ...]:
        from sandbox.plain.faults import WRITE_FAULTS

        return WRITE_FAULTS

    @property
    def arguments(self) -> str:
        return f"--promise {self.guarantee} --seconds 0.05"

    def listed_documents(self) -> dict[str, tuple[str, str]]:
        shown: list[Json] = requests.get(f"{self.url}/sandbox/documents", timeout=30).json()
        return {one["reference"].rsplit("-", 1)[1]: (one["number"], one["total"]) for one in shown}


class PhcGoStandIn(ProviderStandIn):
    """PHC GO: series with drafts keep `by_draft`, a company whose series keep none is looked up."""

    name = "phcgo"
    calls = ("getNewInstance", "actEntity", "Save", "signDocument", "query")
    """Where the share strikes. A log-in is answered or not: a no there is the merchant's matter, and stops him."""

    @property
    def settings(self) -> dict[str, str]:
        return {"PHCGO_LOOPBACK": f"127.0.0.1:{self.port}"}

    @property
    def installation(self) -> str:
        """Whose account it is: one that keeps the promise of the run."""
        kept = {"by_draft": "a3f91c07", "by_search": "5d20be84"}
        if self.guarantee not in kept:
            raise ProcessFailed(self.name, f"promises {' or '.join(kept)}, not {self.guarantee}", "")
        return kept[self.guarantee]

    @property
    def keys(self) -> dict[str, str]:
        # no plan's allowance is a match for a torture
        sent = requests.post(
            f"{self.url}/sandbox/installations/{self.installation}", json={"allowance": 0}, timeout=10
        )
        shown: Json = sent.json()
        return {name: shown[name] for name in ("url", "user", "password", "token")}

    @property
    def fault_kinds(self) -> tuple[str, ...]:
        from sandbox.phcgo.faults import RANDOM_KINDS

        # a no that was a yes is a broken promise at a step that changes nothing: the merchant is asked
        return tuple(kind for kind in RANDOM_KINDS if kind not in ("error-although-done", "no-result"))

    def start_faults(self, share: float, latest: float, lag: int, seed: str) -> None:
        # a document takes five calls: of the documents as many are struck as elsewhere
        self.post_control(
            "faults", kinds=self.fault_kinds, steps=self.calls, share=share / 5, latest=latest, seed=seed
        )
        self.post_control("switches", **{"query-lag": str(lag)})
        for kind in ("drop-before", "503", "html", "cut-after", "slow"):
            self.post_control("faults", kind=kind, step="login", times=3, seconds=latest, after=3)

    def stop_faults(self) -> None:
        requests.delete(f"{self.url}/sandbox/faults", timeout=10).raise_for_status()

    def faults(self) -> tuple[int, dict[str, int]]:
        calls, struck = super().faults()
        kinds: Counter[str] = Counter()
        for words, times in struck.items():
            kinds[words.split()[1]] += times
        return calls, kinds

    def listed_documents(self) -> dict[str, tuple[str, str]]:
        shown: list[Json] = requests.get(f"{self.url}/sandbox/ledger", timeout=30).json()
        return {one["reference"].rsplit("-", 1)[1]: (one["number"], one["total"]) for one in shown}

    def orphan_drafts(self) -> int:
        return len(requests.get(f"{self.url}/sandbox/drafts", timeout=30).json())


STAND_INS: dict[str, type[ProviderStandIn]] = {"plain": PlainStandIn, "phcgo": PhcGoStandIn}
"""By the name that PROVIDER= chooses."""
