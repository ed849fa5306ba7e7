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

from sandbox.core import JsonStorage, Switches
from sandbox.igest.clock import Clock

from . import seed
from .database import Database
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
    engine_auth: str
    installation: str
    company: str
    user: str
    last: float
    calls: int = 0
    unsaved: dict[str, Row] = field(default_factory=dict)


class ProgramState:
    """Everything that lasts, and the sessions, which do not outlive the run."""

    def __init__(self, folder: Path, public: str, today: date | None = None, smtp: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.public, self.smtp = folder, public.rstrip("/"), smtp
        self.lock = threading.RLock()
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self.clock = Clock(self.storage)
        if today:
            self.clock.set_day(today)
        self.faults = Faults(self.storage)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.inventory_ledger = Ledger(folder / "goods.jsonl")
        self._load()

    def _load(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.login_failures: Counter[tuple[str, str]] = Counter()
        self.printed_files: dict[tuple[str, str], dict[str, Any]] = {}
        self.mails: list[dict[str, Any]] = list(self.storage.all("mail").values())
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self.recent_calls: deque[float] = deque()
        self.maintenance_until = 0.0
        self._session_count = 0
        kept = self.storage.all("installation")
        self.installations: dict[str, dict[str, Any]] = {
            path: {"rotation": 1, "user": USER, "password": PASSWORD}
            | {name: value for name, value in facts.items() if name != "companies"}
            | kept.get(path, {})
            for path, facts in seed.INSTALLATIONS.items()
        }
        self.databases = {
            (path, code): Database(self.storage, path, code, facts)
            for path, installation in seed.INSTALLATIONS.items()
            for code, facts in installation["companies"].items()
        }
        self.calls: Counter[str] = Counter(self.storage.all("calls"))

    def reset(self) -> None:
        """Nothing; all is as at the very start, and the ledger so far is laid aside."""
        with self.lock:
            self.ledger.archive()
            self.inventory_ledger.archive()
            self.storage.clear()
            self.switches.reset()
            self.clock.reset()
            self.faults.clear()
            self._load()

    def close(self) -> None:
        """Nothing; whoever sleeps in a slow answer wakes, the shelf and the ledger are closed."""
        self.faults.release()
        with self.lock:
            self.storage.close()
            self.ledger.close()
            self.inventory_ledger.close()

    def change_installation(self, path: str, **to: Any) -> None:
        """Nothing; the installation's plan, allowance, user or password is another from now on."""
        kept = self.storage.all("installation").get(path, {}) | to
        self.storage.put("installation", path, kept)
        self.installations[path] |= to

    def has_dossiers(self, path: str) -> bool:
        return self.installations[path]["plan"] not in SMALL_PLANS

    def token(self, path: str) -> str:
        """The application's token of the installation: base64 with every character that pasting spoils."""
        told = f"{path}/{self.installations[path]['rotation']}".encode()
        return "q+7/" + base64.b64encode(hashlib.sha1(told).digest()).decode()

    def companies(self, path: str) -> list[Database]:
        return [database for (installation, _), database in self.databases.items() if installation == path]

    def find_database(self, path: str, code: str) -> Database | None:
        """The company of that name; the first one for an empty name."""
        if not code:
            return self.companies(path)[0]
        return next(
            (database for database in self.companies(path) if database.code.casefold() == code.casefold()),
            None,
        )

    def open_session(self, path: str, company: str, user: str) -> Session:
        self._session_count += 1
        cookie = hashlib.sha1(f"{self._session_count}/{self.clock.now().timestamp()}".encode()).hexdigest()[
            :24
        ]
        proof = base64.b64encode(hashlib.sha256(cookie.encode()).digest()).decode()
        session = Session(cookie, proof, path, company, user, self.clock.now().timestamp())
        self.sessions[cookie] = session
        return session

    def count_call(self, path: str) -> int:
        """How many calls the installation answered this month, with this one."""
        month = f"{path}/{self.clock.today():%Y-%m}"
        self.calls[month] += 1
        self.storage.put("calls", month, self.calls[month])
        return self.calls[month]

    def used(self, path: str) -> int:
        return self.calls[f"{path}/{self.clock.today():%Y-%m}"]

    def record_mail(self, mail: dict[str, Any]) -> None:
        """Nothing; the letter stands in the outbox."""
        self.mails.append(mail)
        self.storage.put("mail", len(self.mails), mail)

    def log_request(self, call: Call, **facts: Any) -> None:
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
