"""The stack as processes: its parts answer, can be killed and started again, and keep their data."""

from __future__ import annotations

import urllib.request

import pytest
import redis

from dev.child_process import session_members
from dev.local_stack import LocalStack, is_answering

pytestmark = pytest.mark.journey


def test_every_part_answers(stack: LocalStack) -> None:
    for url in (stack.admin_url, stack.igest_url, stack.mailbox_url):
        assert is_answering(f"{url}/sandbox/health")
    assert is_answering(f"{stack.app_url}/healthz", healthy=False)
    assert stack.crashed_child() is None


def test_the_newest_migration_can_run_again(stack: LocalStack) -> None:
    again = stack.flask("release")
    assert again.returncode == 0, again.stderr


def test_a_killed_part_is_gone_with_all_its_processes_and_restarts(stack: LocalStack) -> None:
    web = stack.children["web"]
    before = web.pid
    assert len(web.members()) > 1
    stack.kill("web")
    assert session_members(before) == [] and not is_answering(f"{stack.app_url}/healthz", healthy=False)
    fallen = stack.crashed_child()
    assert fallen is not None and fallen.name == "web"
    stack.restart("web")
    assert is_answering(f"{stack.app_url}/healthz", healthy=False) and stack.crashed_child() is None


def test_a_restarted_stand_in_is_the_same_shop(stack: LocalStack) -> None:
    def shop() -> bytes:
        with urllib.request.urlopen(f"{stack.admin_url}/sandbox/shops/olariadosado", timeout=10) as answer:
            body: bytes = answer.read()
            return body

    before = shop()
    stack.restart("jumpseller")
    assert shop() == before


def test_a_killed_valkey_keeps_its_data(stack: LocalStack) -> None:
    with redis.from_url(stack.env["REDIS_URL"]) as connection:
        connection.set("bell", "rung")
        stack.restart("valkey")
        assert connection.get("bell") == b"rung"
