"""kill -9 at every named point of the road, with three answers of the office: one document each in the end.

After the restart nothing is issued twice and nothing is forgotten: what cannot be known waits for the merchant.
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

pytestmark = pytest.mark.journey

# the kinds of answer, each to the order of a buyer of that name
ANSWERS = {"Boa": "", "Perdida": "drop-after", "Recusada": "refused"}
# which point: how many of the three orders pass it, each killing whoever carries it
OF_THE_WORKER = {
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
# only a provider that makes drafts first passes these; `make grid` has those roads
OF_OTHER_PROVIDERS = (
    "draft_before_record", "draft_after_record", "early_before_record", "early_after_record", "early_after_drop",
)  # fmt: skip
OF_THE_WEB = ("hook_before_commit", "hook_after_commit")
OF_THE_BELL = ("before_ring",)
OF_THE_INSTALL = ("install_before_commit", "install_after_commit")
OF_THE_TOKEN = ("refresh_before_commit",)


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with running_world({"LEASE_SECONDS": "2"}) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: StackWorld) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.reset_stand_ins()
    for name in ("web", "worker", "clock"):
        if world.stack.children[name].env["FAULT_POINT"] or not world.stack.children[name].alive:
            world.stack.restart(name, {"FAULT_POINT": ""})


def armed(world: StackWorld, name: str, point: str) -> None:
    world.stack.restart(name, {"FAULT_POINT": f"{point}=kill" if point else ""})


def deaths(world: StackWorld) -> int:
    """How many work-horses died so far, as their worker tells."""
    return world.stack.log("worker").count("Work-horse terminated unexpectedly")


def of_every_answer(world: StackWorld, merchant: Merchant) -> list[int]:
    """The numbers of three paid orders; the office answers each in its own way."""
    for name, kind in ANSWERS.items():
        if kind:
            world.inject_fault("igest", kind=kind, match=name)
    return [
        int(merchant.place_order(lines=[MUG, BOOK], buyer={"name": name}, pay=True)["id"]) for name in ANSWERS
    ]


def ends_well(world: StackWorld, merchant: Merchant, order: int) -> None:
    """With the merchant's answers where they are needed, the order has one document, shown once."""
    for _ in range(3):
        row = world.wait_until_final(merchant, order, "issued", "review", "blocked")
        before = world.issued_documents(merchant, order)
        assert len(before) <= 1
        if row["state"] == "review":
            # what the office was told to answer may befall the second attempt too
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
    # those of stock are tried by the machine in test_stock_machine.py, those of articles in unit/test_matching.py
    passed = {point for point in passed if not point.startswith(("stock_", "article_"))}
    tried = {*OF_THE_WORKER, *OF_THE_WEB, *OF_THE_BELL, *OF_THE_INSTALL, *OF_THE_TOKEN}
    assert passed - set(OF_OTHER_PROVIDERS) == tried <= set(POINTS)


@pytest.mark.parametrize("point", OF_THE_WORKER)
def test_a_work_horse_killed_there_makes_no_second_document(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    armed(world, "worker", point)
    before = deaths(world)
    orders = of_every_answer(world, olaria)
    wait_until(lambda: deaths(world) >= before + OF_THE_WORKER[point], f"{point} reached", TIMEOUT)
    armed(world, "worker", "")
    world.expire_leases()
    for order in orders:
        ends_well(world, olaria, order)


@pytest.mark.parametrize("point", OF_THE_WEB)
def test_a_web_process_killed_there_loses_no_hook_and_doubles_no_document(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    armed(world, "web", point)
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: 0 in answers(world, order), "the sender heard nothing", TIMEOUT)
    armed(world, "web", "")
    ends_well(world, olaria, order)
    wait_until(lambda: 200 in answers(world, order), "the sender was answered", TIMEOUT)
    wait_until(lambda: world.database.count("hook", "state = 'new'") == 0, "hooks opened", TIMEOUT)
    world.check_document(olaria, order)


@pytest.mark.parametrize("point", OF_THE_BELL)
def test_a_web_process_killed_before_it_rings_costs_only_the_ring(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    armed(world, "web", point)
    before = world.stack.log("web").count("SIGKILL")
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: world.stack.log("web").count("SIGKILL") > before, f"{point} reached", TIMEOUT)
    armed(world, "web", "")
    ends_well(world, olaria, order)


def answers(world: StackWorld, order: int) -> list[int]:
    """What the hooks of the order were answered; 0 is a connection that broke."""
    found = [one for one in world.finished_deliveries(0) if one["order_id"] == order]
    return [each["status"] for one in found for each in one["tries"]]


@pytest.mark.parametrize("point", OF_THE_INSTALL)
def test_an_install_killed_there_begins_anew_and_is_one_store(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    shop = f"loja{OF_THE_INSTALL.index(point)}"
    url = f"{world.stack.admin_url}/sandbox/shops"
    requests.post(url, json={"code": shop, "name": "Loja Nova"}, timeout=30).raise_for_status()
    merchant = world.new_merchant(shop)
    armed(world, "web", point)
    with pytest.raises(requests.RequestException):
        merchant.install()
    armed(world, "web", "")
    merchant.set_up(exemption="M07")
    assert world.database.count("store", f"code = '{shop}'") == 1
    order = int(merchant.place_order(id=5000, lines=[MUG], pay=True)["id"])
    ends_well(world, merchant, order)


@pytest.mark.parametrize("point", OF_THE_TOKEN)
def test_a_refresh_killed_there_costs_the_grant_and_the_merchant_is_asked_to_authorise_anew(
    world: StackWorld, olaria: Merchant, point: str
) -> None:
    # the clock would be the one to refresh, and live
    world.stack.kill("clock")
    armed(world, "worker", point)
    before = deaths(world)
    requests.post(f"{world.stack.admin_url}/sandbox/shops/olariadosado/expire", json={}, timeout=30)
    order = int(olaria.place_order(lines=[MUG], pay=True)["id"])
    wait_until(lambda: deaths(world) > before, f"{point} reached", TIMEOUT)
    armed(world, "worker", "")
    world.expire_leases()
    world.stack.restart("clock")
    wait_until(
        lambda: world.database.store("olariadosado")["state"] == "reauthorise", "the grant is gone", TIMEOUT
    )
    assert world.issued_documents(olaria, order) == []
    use_new_address(olaria)
    olaria.install()
    world.expire_leases()
    ends_well(world, olaria, order)
