"""The state of the PHC GO stand-in: installations with their companies, sessions, allowances and e-mails."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.core.ledger import Ledger
from sandbox.core.program_state import InvoicingProgram
from sandbox.core.storage import Json

from . import seed
from .database import Database
from .faults import Faults
from .switches import SWITCHES
from .wire import Call, Row

USER, PASSWORD = "loja", "barro-e-azeite"
SMALL_PLANS = ("Essential", "Grow")
"""Plans without internal dossiers."""


@dataclass
class Session:
    """One login: its cookie, its Engine-Auth value, and the records begun in it and not yet saved."""

    cookie: str
    engine_auth: str
    installation: str
    company: str
    user: str
    last: float
    calls: int = 0
    unsaved: dict[str, Row] = field(default_factory=dict)


class ProgramState(InvoicingProgram):
    """All persistent state, and the sessions, which end with the process.

    The documents' ledger has no drafts and no dossiers; `inventory_ledger` (`goods.jsonl`) has each article
    that was created or changed and each change of stock.
    """

    def __init__(self, folder: Path, public: str, today: date | None = None, smtp: str = "") -> None:
        super().__init__(folder, public, SWITCHES, today)
        self.smtp = smtp
        self.faults: Faults = Faults(self.storage)
        self.inventory_ledger = Ledger(folder / "goods.jsonl")
        self._load()

    def _load(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.login_failures: Counter[tuple[str, str]] = Counter()
        self.printed_files: dict[tuple[str, str], dict[str, Any]] = {}
        self.mails: list[dict[str, Any]] = list(self.storage.all("mail").values())
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
        """Begin again with the initial installations; both ledgers so far are archived."""
        with self.lock:
            self.inventory_ledger.archive()
            super().reset()

    def clear_faults(self) -> None:
        """Drop every fault, let paused calls continue and end the maintenance."""
        super().clear_faults()
        self.maintenance_until = 0.0

    def accounts(self) -> list[Json]:
        """Return every installation with its companies and the values that a merchant would copy from it."""
        return [self.installation_json(path) for path in self.installations]

    def installation_json(self, path: str) -> Json:
        """Return the installation as the control routes show it."""
        return self.installations[path] | {
            "path": path,
            "url": f"{self.public}/{path}",
            "token": self.token(path),
            "used": self.used(path),
            "companies": [
                {
                    "code": database.code,
                    "name": database.facts["name"],
                    "nif": database.facts["nif"],
                    "series": database.rows("Td"),
                    "dossier_series": database.rows("Ts"),
                    "layouts": database.rows("Layout"),
                }
                for database in self.companies(path)
            ],
        }

    def outbox(self) -> list[Json]:
        """Return the e-mails sent, oldest first."""
        return self.mails

    def change_installation(self, path: str, **to: Any) -> None:
        """Change the installation's plan, allowance, user, password or token."""
        kept = self.storage.all("installation").get(path, {}) | to
        self.storage.put("installation", path, kept)
        self.installations[path] |= to

    def has_dossiers(self, path: str) -> bool:
        return self.installations[path]["plan"] not in SMALL_PLANS

    def token(self, path: str) -> str:
        """Return the application's token: base64 with every character that copying and pasting may damage."""
        text = f"{path}/{self.installations[path]['rotation']}".encode()
        return "q+7/" + base64.b64encode(hashlib.sha1(text).digest()).decode()

    def companies(self, path: str) -> list[Database]:
        return [database for (installation, _), database in self.databases.items() if installation == path]

    def find_database(self, path: str, code: str) -> Database | None:
        """Return the company with that code, or None; the first one for an empty code."""
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
        """Count the call and return the number of calls that the installation has had this month."""
        month = f"{path}/{self.clock.today():%Y-%m}"
        self.calls[month] += 1
        self.storage.put("calls", month, self.calls[month])
        return self.calls[month]

    def used(self, path: str) -> int:
        return self.calls[f"{path}/{self.clock.today():%Y-%m}"]

    def record_mail(self, mail: dict[str, Any]) -> None:
        """Add the e-mail to the outbox."""
        self.mails.append(mail)
        self.storage.put("mail", len(self.mails), mail)

    def log_request(self, call: Call, **facts: Any) -> None:
        """Log the request without password and token."""
        form = {
            name: "***" if name in ("password", "applicationType") else text[:1500]
            for name, text in call.form.items()
        }
        self._append_request({
            "time": self.clock.now().isoformat(timespec="milliseconds"), "installation": call.installation,
            "ws": call.ws, "method": call.method, "step": call.step, "form": form, **facts,
        })  # fmt: skip
