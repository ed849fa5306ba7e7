"""SIGKILL at every failpoint, with three answers of the provider: each order has one document in the end.

After the restart nothing is issued twice and nothing is lost: an unknown outcome waits for the merchant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from dev.local_stack import ROOT
from dev.merchant import Merchant, wait_until
from shopapp.failpoints import POINTS
from tests.end_to_end.stack_world import BOOK, MUG, TIMEOUT, StackWorld, running_world, use_new_address

pytestmark = [pytest.mark.journey, pytest.mark.sweep]

# The provider's fault for the order of a buyer with that name; "" is a normal answer.
FAULT_BY_BUYER = {"Boa": "", "Perdida": "drop-after", "Recusada": "refused"}
# How many of the three orders pass each failpoint; each of them kills its job.
WORKER_POINTS = {
    "open_before_commit": 1,
    "after_take": 3,
    "before_claim": 3,
    "after_claim": 3,
    "before_send": 3,
    "after_send": 3,
    "before_settle": 1,
    "after_settle": 1,
    "follow_before_send": 1,
    "follow_after_send": 1,
}
# Only orders at providers with drafts pass these; `make grid` covers them.
DRAFT_PROVIDER_POINTS = (
    "draft_before_record", "draft_after_record", "early_before_record", "early_after_record", "early_after_drop",
)  # fmt: skip
WEB_POINTS = ("hook_before_commit", "hook_after_commit")
NOTIFY_POINTS = ("before_ring",)
INSTALL_POINTS = ("install_before_commit", "install_after_commit")
TOKEN_POINTS = ("refresh_before_commit",)


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world({"LEASE_SECONDS": "2"}) as world:
        # The first document of an account goes alone, and in doubt it holds the others back: here it is issued.
        order = int(world.merchant().place_order(lines=[MUG, BOOK], pay=True)["id"])
        world.wait_until_final(world.merchant(), order, "issued")
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.reset_stand_ins()
    for name in ("web", "worker", "clock"):
        if world.stack.children[name].env["FAULT_POINT"] or not world.stack.children[name].alive:
            world.stack.restart(name, {"FAULT_POINT": ""})


def restart_with_failpoint(world: StackWorld, name: str, point: str) -> None:
    world.stack.restart(name, {"FAULT_POINT": f"{point}=kill" if point else ""})


def killed_jobs(world: StackWorld) -> int:
    """Return the number of jobs killed so far, by the worker's log."""
    return world.stack.log("worker").count("Work-horse terminated unexpectedly")


def place_order_for_each_answer(world: StackWorld, merchant: Merchant) -> list[int]:
    """Place three paid orders to which the provider answers differently; return their numbers."""
    for name, kind in FAULT_BY_BUYER.items():
        if kind:
            world.inject_fault("igest", kind=kind, match=name)
    return [
        int(merchant.place_order(lines=[MUG, BOOK], buyer={"name": name}, pay=True)["id"])
        for name in FAULT_BY_BUYER
    ]


def check_one_document(world: StackWorld, merchant: Merchant, order: int) -> None:
    """Check that the order has one document, shown once, after the merchant answered any open question."""
    for _ in range(3):
        row = world.wait_until_final(merchant, order, "issued", "review", "blocked")
        before = world.issued_documents(merchant, order)
        assert len(before) <= 1
        if row["state"] == "review":
            # The requested fault may hit the second attempt too.
            assert bool(merchant.resolve_uncertain(order)) == bool(before)
        elif row["state"] == "blocked":
            assert before == []
            merchant.resend(order)
    world.wait_until_final(merchant, order, "issued")
    world.check_document(merchant, order)
    assert len(world.wait_until_shown(merchant, order)["documents"]) == 1


def test_every_failpoint_is_tried() -> None:
    code = "".join(file.read_text() for file in (ROOT / "shopapp").rglob("*.py"))
    passed = set(re.findall(r'failpoints\.hit\("(\w+)"\)', code))
    # The failpoints of stock are in state_machines/test_stock.py, those of articles in
    # unit/inventory/test_line_articles.py.
    passed = {point for point in passed if not point.startswith(("stock_", "article_"))}
    tried = {*WORKER_POINTS, *WEB_POINTS, *NOTIFY_POINTS, *INSTALL_POINTS, *TOKEN_POINTS}
    assert passed - set(DRAFT_PROVIDER_POINTS) == tried <= set(POINTS)


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_killed_at_a_failpoint_makes_no_second_document(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    restart_with_failpoint(world, "worker", point)
    before = killed_jobs(world)
    orders = place_order_for_each_answer(world, olaria)
    wait_until(lambda: killed_jobs(world) >= before + WORKER_POINTS[point], f"{point} reached", TIMEOUT)
    restart_with_failpoint(world, "worker", "")
    world.expire_leases()
    for order in orders:
        check_one_document(world, olaria, order)


def test_a_worker_killed_while_the_provider_answers_makes_no_second_document(
    world: StackWorld, olaria: Merchant
) -> None:
    world.inject_fault("igest", kind="slow", seconds=600)
    order = int(olaria.place_order(lines=[MUG, BOOK], pay=True)["id"])
    wait_until(world.unanswered_calls, "the provider working on the call", TIMEOUT)
    world.stack.kill("worker")
    world.stack.restart("worker")
    olaria.wait_for_state(order, "Por decidir")
    page = olaria.open_document(order).text
    assert "Não sabemos se o iGEST emitiu" in page and "duas faturas" in page
    assert len(world.issued_documents(olaria, order)) == 1
    number = olaria.resolve_uncertain(order)
    olaria.wait_for_state(order, "Emitido")
    assert world.check_document(olaria, order)["number"] == number
    assert len(world.wait_until_shown(olaria, order)["documents"]) == 1


@pytest.mark.parametrize("point", WEB_POINTS)
def test_a_web_process_killed_at_a_failpoint_loses_no_webhook(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    restart_with_failpoint(world, "web", point)
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: 0 in webhook_statuses(world, order), "the webhook got no answer", TIMEOUT)
    restart_with_failpoint(world, "web", "")
    check_one_document(world, olaria, order)
    wait_until(lambda: 200 in webhook_statuses(world, order), "the webhook was answered", TIMEOUT)
    wait_until(lambda: world.database.count("hook", "state = 'new'") == 0, "webhooks processed", TIMEOUT)
    world.check_document(olaria, order)


@pytest.mark.parametrize("point", NOTIFY_POINTS)
def test_a_web_process_killed_before_it_notifies_the_workers_loses_nothing(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    restart_with_failpoint(world, "web", point)
    before = world.stack.log("web").count("SIGKILL")
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: world.stack.log("web").count("SIGKILL") > before, f"{point} reached", TIMEOUT)
    restart_with_failpoint(world, "web", "")
    check_one_document(world, olaria, order)


def webhook_statuses(world: StackWorld, order: int) -> list[int]:
    """Return how the order's webhooks were answered; 0 is a broken connection."""
    found = [one for one in world.finished_deliveries(0) if one["order_id"] == order]
    return [each["status"] for one in found for each in one["tries"]]


@pytest.mark.parametrize("point", INSTALL_POINTS)
def test_an_install_killed_at_a_failpoint_can_be_repeated_and_makes_one_store(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    shop = f"loja{INSTALL_POINTS.index(point)}"
    url = f"{world.stack.admin_url}/sandbox/shops"
    requests.post(url, json={"code": shop, "name": "Loja Nova"}, timeout=30).raise_for_status()
    merchant = world.new_merchant(shop)
    restart_with_failpoint(world, "web", point)
    with pytest.raises(requests.RequestException):
        merchant.install()
    restart_with_failpoint(world, "web", "")
    merchant.set_up(exemption="M07")
    assert world.database.count("store", f"code = '{shop}'") == 1
    order = int(merchant.place_order(id=5000, lines=[MUG], pay=True)["id"])
    check_one_document(world, merchant, order)


@pytest.mark.parametrize("point", TOKEN_POINTS)
def test_a_killed_token_refresh_asks_the_merchant_to_authorise_again(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    # Otherwise the clock process, which is not killed, would refresh the token.
    world.stack.kill("clock")
    restart_with_failpoint(world, "worker", point)
    before = killed_jobs(world)
    requests.post(f"{world.stack.admin_url}/sandbox/shops/olariadosado/expire", json={}, timeout=30)
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: killed_jobs(world) > before, f"{point} reached", TIMEOUT)
    restart_with_failpoint(world, "worker", "")
    world.expire_leases()
    world.stack.restart("clock")
    wait_until(
        lambda: world.database.store("olariadosado")["state"] == "reauthorise",
        "the grant to be lost",
        TIMEOUT,
    )
    assert world.issued_documents(olaria, order) == []
    use_new_address(olaria)
    olaria.install()
    world.expire_leases()
    check_one_document(world, olaria, order)
