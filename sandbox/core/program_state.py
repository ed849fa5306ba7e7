"""The state that every stand-in of an invoicing system keeps."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from .clock import Clock
from .faults import FaultSchedule
from .ledger import Ledger
from .storage import Json, JsonStorage
from .switches import Switch, Switches

REQUESTS_KEPT = 5000


class InvoicingProgram:
    """Storage, switches, clock, ledger and log of requests; a subclass adds the accounts and its faults.

    `lock` is held while a document is checked and issued.
    """

    faults: FaultSchedule[Any]

    def __init__(self, folder: Path, public: str, switches: Iterable[Switch], today: date | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.public = folder, public.rstrip("/")
        self.lock = threading.RLock()
        self.storage = JsonStorage(folder)
        self.switches = Switches(switches, self.storage)
        self.clock = Clock(self.storage)
        if today:
            self.clock.set_day(today)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.requests: deque[Json] = deque(maxlen=REQUESTS_KEPT)

    def _load(self) -> None:
        """Read the accounts from storage, or create the initial ones."""
        raise NotImplementedError

    def accounts(self) -> list[Json]:
        """Return every account as the control routes show it, keys included."""
        raise NotImplementedError

    def outbox(self) -> list[Json]:
        """Return the e-mails sent, oldest first."""
        raise NotImplementedError

    def reset(self) -> None:
        """Begin again with the initial accounts; the ledger so far is archived."""
        with self.lock:
            self.ledger.archive()
            self.storage.clear()
            self.switches.reset()
            self.clock.reset()
            self.faults.clear()
            self.requests.clear()
            self._load()

    def clear_faults(self) -> None:
        """Drop every fault and let paused calls continue."""
        self.faults.clear()
        self.faults.release()

    def close(self) -> None:
        """Let paused calls continue, then close the storage."""
        self.faults.release()
        with self.lock:
            self.storage.close()

    def _append_request(self, line: Json) -> None:
        with self.lock:
            self.requests.append(line)
            with (self.folder / "requests.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
