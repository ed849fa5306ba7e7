"""The state of one stand-in: installations and their companies, sessions, switches, faults, clock, ledger, allowance.

Made by the app; used by every other part under its one lock. It decides nothing: the rooms beside it do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.igest.clock import Clock
from sandbox.web import Shelf, Switches

from . import seed
from .base import Base
from .faults import Faults
from .ledger import Ledger
from .switches import SWITCHES
from .wire import Call, Row

USER, PASSWORD = "loja", "barro-e-azeite"
SMALL_PLANS = ("Essential", "Grow")
"""Plans without internal dossiers."""


@dataclass
class Session:
    """One login: its cookie, its Engine-Auth value, and the records begun in it that were not saved."""

    cookie: str
    proof: str
    installation: str
    company: str
    user: str
    last: float
    calls: int = 0
    begun: dict[str, Row] = field(default_factory=dict)


class Office:
    """Everything that lasts, and the sessions, which do not outlive the run."""

    def __init__(self, folder: Path, public: str, today: date | None = None, smtp: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.public, self.smtp = folder, public.rstrip("/"), smtp
        self.lock = threading.RLock()
        self.shelf = Shelf(folder)
        self.switches = Switches(SWITCHES, self.shelf)
        self.clock = Clock(self.shelf)
        if today:
            self.clock.put_on(today)
        self.faults = Faults(self.shelf)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.goods = Ledger(folder / "goods.jsonl")
        self._begin()

    def _begin(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.failures: Counter[tuple[str, str]] = Counter()
        self.files: dict[tuple[str, str], dict[str, Any]] = {}
        self.mails: list[dict[str, Any]] = list(self.shelf.all("mail").values())
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self.recent: deque[float] = deque()
        self.maintained_until = 0.0
        self._sessions = 0
        kept = self.shelf.all("installation")
        self.installations: dict[str, dict[str, Any]] = {
            path: {"rotation": 1, "user": USER, "password": PASSWORD}
            | {name: value for name, value in facts.items() if name != "companies"}
            | kept.get(path, {})
            for path, facts in seed.INSTALLATIONS.items()
        }
        self.bases = {
            (path, code): Base(self.shelf, path, code, facts)
            for path, installation in seed.INSTALLATIONS.items()
            for code, facts in installation["companies"].items()
        }
        self.calls: Counter[str] = Counter(self.shelf.all("calls"))

    def reset(self) -> None:
        """Nothing; all is as at the very start, and the ledger so far is laid aside."""
        with self.lock:
            self.ledger.lay_aside()
            self.goods.lay_aside()
            self.shelf.clear()
            self.switches.reset()
            self.clock.put_back()
            self.faults.clear()
            self._begin()

    def close(self) -> None:
        """Nothing; whoever sleeps in a slow answer wakes, the shelf and the ledger are closed."""
        self.faults.release()
        with self.lock:
            self.shelf.close()
            self.ledger.close()
            self.goods.close()

    def change(self, path: str, **to: Any) -> None:
        """Nothing; the installation's plan, allowance, user or password is another from now on."""
        kept = self.shelf.all("installation").get(path, {}) | to
        self.shelf.put("installation", path, kept)
        self.installations[path] |= to

    def has_dossiers(self, path: str) -> bool:
        return self.installations[path]["plan"] not in SMALL_PLANS

    def token(self, path: str) -> str:
        """The application's token of the installation: base64 with every character that pasting spoils."""
        told = f"{path}/{self.installations[path]['rotation']}".encode()
        return "q+7/" + base64.b64encode(hashlib.sha1(told).digest()).decode()

    def companies(self, path: str) -> list[Base]:
        return [base for (installation, _), base in self.bases.items() if installation == path]

    def base(self, path: str, code: str) -> Base | None:
        """The company of that name; the first one for an empty name."""
        if not code:
            return self.companies(path)[0]
        return next((base for base in self.companies(path) if base.code.casefold() == code.casefold()), None)

    def open_session(self, path: str, company: str, user: str) -> Session:
        self._sessions += 1
        cookie = hashlib.sha1(f"{self._sessions}/{self.clock.now().timestamp()}".encode()).hexdigest()[:24]
        proof = base64.b64encode(hashlib.sha256(cookie.encode()).digest()).decode()
        session = Session(cookie, proof, path, company, user, self.clock.now().timestamp())
        self.sessions[cookie] = session
        return session

    def counted(self, path: str) -> int:
        """How many calls the installation answered this month, with this one."""
        month = f"{path}/{self.clock.today():%Y-%m}"
        self.calls[month] += 1
        self.shelf.put("calls", month, self.calls[month])
        return self.calls[month]

    def used(self, path: str) -> int:
        return self.calls[f"{path}/{self.clock.today():%Y-%m}"]

    def mailed(self, letter: dict[str, Any]) -> None:
        """Nothing; the letter stands in the outbox."""
        self.mails.append(letter)
        self.shelf.put("mail", len(self.mails), letter)

    def log(self, call: Call, **facts: Any) -> None:
        """Nothing; the request stands in the log without password and token."""
        form = {
            name: "***" if name in ("password", "applicationType") else text[:1500]
            for name, text in call.form.items()
        }
        line = {
            "time": self.clock.now().isoformat(timespec="milliseconds"), "installation": call.installation,
            "ws": call.ws, "method": call.method, "step": call.step, "form": form,
        } | facts  # fmt: skip
        with self.lock:
            self.requests.append(line)
            with (self.folder / "requests.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
