"""The invoicing systems that a run can use: how a stand-in is started, made to fail, connected and read.

To add one, write a class here and add a line to STAND_INS: its stand-in, the keys that a merchant types, the
kinds of its faults, and how its list and its ledger are read. Shares no code with the app.
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
    """A stand-in in its own process, which the killer leaves alone."""

    name: ClassVar[str]
    """The name of the adapter, of its keys form's address, and of the stand-in's module."""

    def __init__(self, folder: Path, promise: str) -> None:
        self.folder, self.guarantee = folder, promise
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._child: ChildProcess | None = None

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Return the app's settings with its address."""

    @property
    @abstractmethod
    def keys(self) -> dict[str, str]:
        """Return the values that the merchant types into the keys form."""

    @property
    @abstractmethod
    def fault_kinds(self) -> tuple[str, ...]:
        """Return the kinds of fault that must occur in a run."""

    @abstractmethod
    def listed_documents(self) -> dict[str, tuple[str, str]]:
        """Return number and total by order, as its own list shows them to a merchant."""

    @property
    def arguments(self) -> str:
        """Return the arguments of its command, without port and folder."""
        return ""

    def orphan_drafts(self) -> int:
        """Return the number of drafts that never became a document."""
        return 0

    def start(self, stack: LocalStack) -> None:
        """Start it and wait until it answers; the stack need not run yet."""
        words = f"-m sandbox.{self.name} --port {self.port} --data {self.folder} {self.arguments}"
        # Started without the stack's mark, so that clearing the stack leaves it alone.
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
        """Stop it; its ledger stays."""
        if self._child is not None:
            self._child.stop()

    def start_faults(self, share: float, latest: float, lag: int, seed: str) -> None:
        """Let that share of its calls fail from now on, and let a search show each document only after a delay."""
        self.post_control("switches", **{"search-lag": str(lag)})
        self.post_control("faults", share=share, latest=latest, seed=seed)

    def stop_faults(self) -> None:
        """Let no further call fail."""
        self.post_control("faults", share=0)

    def faults(self) -> tuple[int, dict[str, int]]:
        """Return the number of its calls, and the number of failed calls by kind."""
        found: Json = requests.get(f"{self.url}/sandbox/faults", timeout=10).json()
        return found["calls"], found["kinds"]

    def ledger_documents(self) -> dict[str, list[Json]]:
        """Return the documents that it issued, by order, from the file that only it writes."""
        return read_documents(self.folder / "ledger.jsonl")

    def post_control(self, path: str, **sent: Any) -> None:
        """Post to one of its control routes."""
        requests.post(f"{self.url}/sandbox/{path}", json=sent, timeout=10).raise_for_status()


class PlainStandIn(ProviderStandIn):
    """The plain provider, which has whichever guarantee is requested."""

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
    """PHC GO: series with drafts have the guarantee `by_draft`; without drafts, documents are looked up."""

    name = "phcgo"
    calls = ("getNewInstance", "actEntity", "Save", "signDocument", "query")
    """The steps at which faults occur. A log-in may only fail to answer: after a refusal the merchant would have
    to act.
    """

    @property
    def settings(self) -> dict[str, str]:
        return {"PHCGO_LOOPBACK": f"127.0.0.1:{self.port}"}

    @property
    def installation(self) -> str:
        """Return the installation whose account has the guarantee of the run."""
        kept = {"by_draft": "a3f91c07", "by_search": "5d20be84"}
        if self.guarantee not in kept:
            raise ProcessFailed(self.name, f"promises {' or '.join(kept)}, not {self.guarantee}", "")
        return kept[self.guarantee]

    @property
    def keys(self) -> dict[str, str]:
        # No plan's allowance is enough for a torture run.
        sent = requests.post(
            f"{self.url}/sandbox/installations/{self.installation}", json={"allowance": 0}, timeout=10
        )
        shown: Json = sent.json()
        return {name: shown[name] for name in ("url", "user", "password", "token")}

    @property
    def fault_kinds(self) -> tuple[str, ...]:
        from sandbox.phcgo.faults import RANDOM_KINDS

        # Refusing a call that succeeded, at a step that changes nothing, would break the guarantee: the
        # merchant is asked.
        return tuple(kind for kind in RANDOM_KINDS if kind not in ("error-although-done", "no-result"))

    def start_faults(self, share: float, latest: float, lag: int, seed: str) -> None:
        # A document takes five calls, so a fifth of the share affects as many documents as elsewhere.
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
"""By the value of PROVIDER=."""
