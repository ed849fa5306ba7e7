"""The house as processes: its parts answer, can be killed and started again, and keep what they knew."""

from __future__ import annotations

import urllib.request

import pytest
import redis

from dev.child import session_members
from dev.house import House, answers

pytestmark = pytest.mark.journey


def test_every_part_answers(house: House) -> None:
    for url in (house.admin_url, house.igest_url, house.mailbox_url):
        assert answers(f"{url}/sandbox/health")
    assert answers(f"{house.app_url}/healthz", healthy=False)
    assert house.fallen() is None


def test_the_newest_migration_can_run_again(house: House) -> None:
    again = house.flask("release")
    assert again.returncode == 0, again.stderr


def test_a_killed_part_is_gone_with_all_its_processes_and_comes_back(house: House) -> None:
    web = house.children["web"]
    before = web.pid
    assert len(web.members()) > 1
    house.kill("web")
    assert session_members(before) == [] and not answers(f"{house.app_url}/healthz", healthy=False)
    fallen = house.fallen()
    assert fallen is not None and fallen.name == "web"
    house.restart("web")
    assert answers(f"{house.app_url}/healthz", healthy=False) and house.fallen() is None


def test_a_restarted_stand_in_is_the_same_shop(house: House) -> None:
    def shop() -> bytes:
        with urllib.request.urlopen(f"{house.admin_url}/sandbox/shops/olariadosado", timeout=10) as answer:
            body: bytes = answer.read()
            return body

    before = shop()
    house.restart("jumpseller")
    assert shop() == before


def test_a_killed_valkey_remembers(house: House) -> None:
    with redis.from_url(house.env["REDIS_URL"]) as connection:
        connection.set("bell", "rung")
        house.restart("valkey")
        assert connection.get("bell") == b"rung"
