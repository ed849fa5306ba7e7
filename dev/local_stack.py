"""The whole app as real processes on one machine: stand-ins, web, worker, clock and their own Redis.

`make run`, the demo, torture and the tests all run this same stack. It never imports the app: it knows the
Procfile, the names of the settings and how the stand-ins are started.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dev.child_process import STACK_MARK, ChildProcess, ProcessFailed, kill_orphans
from dev.servers import Valkey, free_port, port_in_use

ROOT = Path(__file__).resolve().parent.parent
PROCFILE = ROOT / "Procfile"
APP_PROCESSES = ("web", "worker", "clock")


@dataclass(frozen=True)
class Ports:
    """The port of each part."""

    admin: int
    app: int
    igest: int
    mailbox: int
    smtp: int
    vies: int
    phcgo: int
    shopkit: int

    @classmethod
    def free(cls) -> Ports:
        """Return ports that no other process uses."""
        return cls(*(free_port() for _ in cls.__dataclass_fields__))

    @classmethod
    def starting_at(cls, first: int) -> Ports:
        """Return neighbouring ports, so that a developer needs to remember only one number."""
        return cls(*range(first, first + len(cls.__dataclass_fields__)))

    def in_use(self) -> list[int]:
        """Return those on which a process already listens."""
        return [port for port in vars(self).values() if port_in_use(port)]


class LocalStack:
    """Every process of the app, to be started, killed and stopped by name.

    The names: valkey (unless a REDIS_URL is given), jumpseller, igest, phcgo, mailbox, vies, shopkit, web, worker,
    clock. Without a folder the data is temporary and deleted by `stop`; with a folder it is there again at the
    next start. `is_migrated` says that the database has its tables already.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        ports: Ports | None = None,
        settings: Mapping[str, str] | None = None,
        clock_scale: float = 1,
        is_migrated: bool = False,
    ) -> None:
        self._is_migrated = is_migrated
        self._temporary = folder is None
        self.folder = (folder or Path(tempfile.mkdtemp(prefix="house"))).resolve()
        self.logs = self.folder / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.ports = ports or Ports.free()
        self.admin_url = f"http://localhost:{self.ports.admin}"
        self.app_url = f"http://127.0.0.1:{self.ports.app}"
        self.igest_url = f"http://127.0.0.1:{self.ports.igest}"
        self.phcgo_url = f"http://127.0.0.1:{self.ports.phcgo}"
        self.mailbox_url = f"http://127.0.0.1:{self.ports.mailbox}"
        self.vies_url = f"http://127.0.0.1:{self.ports.vies}"
        self.shopkit_url = f"http://localhost:{self.ports.shopkit}"
        self.valkey = None if redis_url else Valkey(self.folder / "valkey")
        self.env = self._environment(
            database_url or f"sqlite:///{self.folder / 'shop.db'}",
            redis_url or (self.valkey.url if self.valkey else ""),
        ) | dict(settings or {})
        self.children: dict[str, ChildProcess] = self._stand_in_processes(clock_scale)
        for name in APP_PROCESSES:
            self.children[name] = self._app_process(name, procfile()[name])
        if self.valkey:
            self.valkey.child.env[STACK_MARK] = str(self.folder)
            self.children["valkey"] = self.valkey.child

    def __enter__(self) -> LocalStack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every part and wait until each answers. Raises ProcessFailed, with nothing left running."""
        kill_orphans(self.folder)
        try:
            if self.valkey:
                self.valkey.start()
            for name in self.stand_ins:
                self.children[name].start()
            if not self._is_migrated:
                self.migrate()
            for name in APP_PROCESSES:
                self.children[name].start()
            for name in self.children:
                self._wait_until_up(name)
        except BaseException:
            self.stop(seconds=2)
            raise

    def stop(self, seconds: float = 10) -> None:
        """Stop everything: first the processes that work, then the servers that they need."""
        for group in (APP_PROCESSES, self.stand_ins):
            for name in group:
                self.children[name].ask_to_stop()
            for name in group:
                self.children[name].wait(seconds)
        if self.valkey:
            self.valkey.stop()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def migrate(self) -> None:
        """Run the migrations. Raises ProcessFailed."""
        release = self._app_process("release", procfile()["release"])
        release.start()
        release.wait(120)
        if release.status:
            raise ProcessFailed("release", f"ended with status {release.status}", release.log_tail())

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `flask --app wsgi ...` with this stack's settings and return the finished process."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=120)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send the signal to the named child and its descendants; after SIGKILL wait until they are gone."""
        self.children[name].kill(number)

    def restart(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Start the named child again with these settings changed, and wait until it answers."""
        child = self.children[name]
        child.kill()
        child.env.update(settings or {})
        if self.valkey and child is self.valkey.child:
            self.valkey.start()
            return
        child.start()
        self._wait_until_up(name)

    def crashed_child(self) -> ChildProcess | None:
        """Return a child that should be running and is not."""
        return next((child for child in self.children.values() if child.status is not None), None)

    def log(self, name: str) -> str:
        """Return all output of the named child."""
        return self.children[name].log.read_text(errors="replace")

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Return the names of the stand-ins of external systems."""
        return ("jumpseller", "igest", "phcgo", "mailbox", "vies", "shopkit")

    def _environment(self, database_url: str, redis_url: str) -> dict[str, str]:
        bin_folder = str(Path(sys.executable).parent)
        # Without compiled files every process would compile all modules that it imports.
        given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return given | load_or_create_secrets(self.folder / "secrets.json") | {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "WEB_PROCESSES": os.environ.get("WEB_PROCESSES", "1"),
            STACK_MARK: str(self.folder),
            "PORT": str(self.ports.app),
            "BIND": f"127.0.0.1:{self.ports.app}",
            "APP_URL": self.app_url,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "JUMPSELLER_CLIENT_ID": "quick-invoice",
            "JUMPSELLER_CLIENT_SECRET": "sandbox-secret",
            "JUMPSELLER_ACCOUNTS_URL": self.admin_url,
            "JUMPSELLER_API_URL": f"{self.admin_url}/v1",
            "JUMPSELLER_ADMIN_ORIGINS": self.admin_url,
            "SHOPKIT_API_URL": f"{self.shopkit_url}/v1",
            "SHOPKIT_ADMIN_URL": f"{self.shopkit_url}/admin/*",
            "IGEST_URL": f"{self.igest_url}/webservice.php",
            "PHCGO_LOOPBACK": f"127.0.0.1:{self.ports.phcgo}",
            "VIES_URL": f"{self.vies_url}/rest-api",
            "SMTP_URL": f"smtp://127.0.0.1:{self.ports.smtp}",
            "MAIL_FROM": "faturas@quickinvoice.example",
            "ALLOW_PLAIN_HTTP": "1",
            "CLOCK_SECONDS": "2",
        }  # fmt: skip

    def _stand_in_processes(self, clock_scale: float) -> dict[str, ChildProcess]:
        ports = self.ports
        places = {
            "jumpseller": f"--port {ports.admin} --app-url {self.app_url} --public {self.admin_url}"
            + f" --clock-scale {clock_scale:g}",
            "igest": f"--port {ports.igest} --public {self.igest_url}",
            "phcgo": f"--port {ports.phcgo} --public {self.phcgo_url} --smtp 127.0.0.1:{ports.smtp}",
            "mailbox": f"--port {ports.mailbox} --smtp-port {ports.smtp}",
            "vies": f"--port {ports.vies}",
            "shopkit": f"--port {ports.shopkit} --app-url {self.app_url} --public {self.shopkit_url}"
            + f" --clock-scale {clock_scale:g}",
        }
        children = {}
        for name in self.stand_ins:
            keep = self.folder / "sandbox" / name
            keep.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", f"sandbox.{name}", "--data", str(keep), *places[name].split()]
            children[name] = ChildProcess(name, command, self.logs / f"{name}.log", self.env, ROOT)
        return children

    def _app_process(self, name: str, command: str) -> ChildProcess:
        shell = ["/bin/sh", "-c", f"exec {command}"]
        return ChildProcess(name, shell, self.logs / f"{name}.log", dict(self.env), ROOT)

    def _wait_until_up(self, name: str) -> None:
        ports = self.ports
        places = {
            "jumpseller": ports.admin,
            "igest": ports.igest,
            "phcgo": ports.phcgo,
            "mailbox": ports.mailbox,
            "vies": ports.vies,
            "shopkit": ports.shopkit,
        }
        places["web"] = ports.app
        child = self.children[name]
        if name not in places:
            # A worker and the clock have no address; only whether they run can be checked.
            child.wait_until(lambda: child.alive)
            return
        path = "healthz" if name == "web" else "sandbox/health"
        # The app's health includes the clock, which may not have run yet, so any answer counts.
        child.wait_until(
            lambda: is_answering(f"http://127.0.0.1:{places[name]}/{path}", healthy=name != "web")
        )


def procfile() -> dict[str, str]:
    """Return the command of each kind of process, by name."""
    lines = (line.partition(":") for line in PROCFILE.read_text().splitlines() if line and line[0] != "#")
    return {name.strip(): command.strip() for name, _, command in lines}


def is_answering(url: str, healthy: bool = True) -> bool:
    """Return whether a page answers (with `healthy`: with 200)."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200) or not healthy
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return not healthy
    except OSError:
        return False


def load_or_create_secrets(file: Path) -> dict[str, str]:
    """Return this folder's SECRET_KEY and SEAL_KEYS, created by the first call."""
    if not file.exists():
        made = {
            "SECRET_KEY": secrets.token_hex(32),
            "SEAL_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(made, out)
    kept: dict[str, str] = json.loads(file.read_text())
    return kept
