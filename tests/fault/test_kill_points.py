"""kill -9 at every named point of the road, with three answers of the office: one document each in the end.

After the restart nothing is issued twice and nothing is forgotten: what cannot be known waits for the merchant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from dev.house import ROOT
from dev.merchant import Merchant, until
from shopapp.fault import POINTS
from tests.journey.living import BOOK, MUG, PATIENCE, World, come_from_elsewhere, living

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
def world() -> Iterator[World]:
    with living({"LEASE_SECONDS": "2"}) as world:
        world.merchant()
        yield world


@pytest.fixture
def olaria(world: World) -> Iterator[Merchant]:
    yield world.merchants["olariadosado"]
    world.set_back()
    for name in ("web", "worker", "clock"):
        if world.house.children[name].env["FAULT_POINT"] or not world.house.children[name].alive:
            world.house.restart(name, {"FAULT_POINT": ""})


def armed(world: World, name: str, point: str) -> None:
    world.house.restart(name, {"FAULT_POINT": f"{point}=kill" if point else ""})


def deaths(world: World) -> int:
    """How many work-horses died so far, as their worker tells."""
    return world.house.log("worker").count("Work-horse terminated unexpectedly")


def of_every_answer(world: World, merchant: Merchant) -> list[int]:
    """The numbers of three paid orders; the office answers each in its own way."""
    for name, kind in ANSWERS.items():
        if kind:
            world.fault("igest", kind=kind, match=name)
    return [int(merchant.order(lines=[MUG, BOOK], buyer={"name": name}, pay=True)["id"]) for name in ANSWERS]


def ends_well(world: World, merchant: Merchant, order: int) -> None:
    """With the merchant's answers where they are needed, the order has one document, shown once."""
    for _ in range(3):
        row = world.settled(merchant, order, "issued", "review", "blocked")
        before = world.sold(merchant, order)
        assert len(before) <= 1
        if row["state"] == "review":
            # what the office was told to answer may befall the second attempt too
            assert bool(merchant.settle(order)) == bool(before)
        elif row["state"] == "blocked":
            assert before == []
            merchant.resend(order)
    world.settled(merchant, order, "issued")
    world.judged(merchant, order)
    assert len(world.shown(merchant, order)["documents"]) == 1


def test_every_point_of_the_road_is_tried() -> None:
    code = "".join(file.read_text() for file in (ROOT / "shopapp").rglob("*.py"))
    passed = set(re.findall(r'fault\.point\("(\w+)"\)', code))
    # those of stock are tried by the machine in test_stock_machine.py, those of articles in unit/test_matching.py
    passed = {point for point in passed if not point.startswith(("stock_", "article_"))}
    tried = {*OF_THE_WORKER, *OF_THE_WEB, *OF_THE_BELL, *OF_THE_INSTALL, *OF_THE_TOKEN}
    assert passed - set(OF_OTHER_PROVIDERS) == tried <= set(POINTS)


@pytest.mark.parametrize("point", OF_THE_WORKER)
def test_a_work_horse_killed_there_makes_no_second_document(
    world: World, olaria: Merchant, point: str
) -> None:
    armed(world, "worker", point)
    before = deaths(world)
    orders = of_every_answer(world, olaria)
    until(lambda: deaths(world) >= before + OF_THE_WORKER[point], f"{point} reached", PATIENCE)
    armed(world, "worker", "")
    world.pass_a_minute()
    for order in orders:
        ends_well(world, olaria, order)


@pytest.mark.parametrize("point", OF_THE_WEB)
def test_a_web_process_killed_there_loses_no_hook_and_doubles_no_document(
    world: World, olaria: Merchant, point: str
) -> None:
    armed(world, "web", point)
    order = int(olaria.order(lines=[MUG], pay=True)["id"])
    until(lambda: 0 in answers(world, order), "the sender heard nothing", PATIENCE)
    armed(world, "web", "")
    ends_well(world, olaria, order)
    until(lambda: 200 in answers(world, order), "the sender was answered", PATIENCE)
    until(lambda: world.rows.count("hook", "state = 'new'") == 0, "hooks opened", PATIENCE)
    world.judged(olaria, order)


@pytest.mark.parametrize("point", OF_THE_BELL)
def test_a_web_process_killed_before_it_rings_costs_only_the_ring(
    world: World, olaria: Merchant, point: str
) -> None:
    armed(world, "web", point)
    before = world.house.log("web").count("SIGKILL")
    order = int(olaria.order(lines=[MUG], pay=True)["id"])
    until(lambda: world.house.log("web").count("SIGKILL") > before, f"{point} reached", PATIENCE)
    armed(world, "web", "")
    ends_well(world, olaria, order)


def answers(world: World, order: int) -> list[int]:
    """What the hooks of the order were answered; 0 is a connection that broke."""
    found = [one for one in world.settled_hooks(0) if one["order_id"] == order]
    return [each["status"] for one in found for each in one["tries"]]


@pytest.mark.parametrize("point", OF_THE_INSTALL)
def test_an_install_killed_there_begins_anew_and_is_one_store(
    world: World, olaria: Merchant, point: str
) -> None:
    shop = f"loja{OF_THE_INSTALL.index(point)}"
    url = f"{world.house.admin_url}/sandbox/shops"
    requests.post(url, json={"code": shop, "name": "Loja Nova"}, timeout=30).raise_for_status()
    merchant = world.visitor(shop)
    armed(world, "web", point)
    with pytest.raises(requests.RequestException):
        merchant.install()
    armed(world, "web", "")
    merchant.set_up(exemption="M07")
    assert world.rows.count("store", f"code = '{shop}'") == 1
    order = int(merchant.order(id=5000, lines=[MUG], pay=True)["id"])
    ends_well(world, merchant, order)


@pytest.mark.parametrize("point", OF_THE_TOKEN)
def test_a_refresh_killed_there_costs_the_grant_and_the_merchant_is_asked_to_authorise_anew(
    world: World, olaria: Merchant, point: str
) -> None:
    # the clock would be the one to refresh, and live
    world.house.kill("clock")
    armed(world, "worker", point)
    before = deaths(world)
    requests.post(f"{world.house.admin_url}/sandbox/shops/olariadosado/expire", json={}, timeout=30)
    order = int(olaria.order(lines=[MUG], pay=True)["id"])
    until(lambda: deaths(world) > before, f"{point} reached", PATIENCE)
    armed(world, "worker", "")
    world.pass_a_minute()
    world.house.restart("clock")
    until(lambda: world.rows.store("olariadosado")["state"] == "reauthorise", "the grant is gone", PATIENCE)
    assert world.sold(olaria, order) == []
    come_from_elsewhere(olaria)
    olaria.install()
    world.pass_a_minute()
    ends_well(world, olaria, order)
