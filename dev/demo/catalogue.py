"""The demo of products and stock: three merchants, orders, hands on both sides, and what the ledgers say of it.

Played by the command for CATALOGUE=1. Olaria's shop follows iGEST, warehouse by warehouse; iGEST follows Quinta's shop;
a third shop follows PHC GO. What happened is asked of the stand-ins alone, never of the app's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dev.house import House
from dev.merchant import Merchant, until
from dev.phcgo import PhcGoMerchant
from dev.programs import IgestSide, PhcGoSide
from dev.sides import ShopSide, asked
from dev.tables import Tables

from .acts import Demo, Order, Part
from .traders import Trader
from .wares import CLAY, CLAY_THERE, FAIR, FARM, FARM_THERE, GENERIC, MAIN, POTTERY, POTTERY_THERE

OLARIA_2 = "a3f91c07/OLARIA2"
PATIENCE = 150.0


class CatalogueDemo(Demo):
    """Three merchants whose stock follows, one way or the other."""

    program = "iGEST or PHC GO"
    good = "The ledgers match: each order has its document, each article is there once, each level is as it should be."
    settings: ClassVar[dict[str, str]] = {
        "STOCK_SECONDS": "3", "STOCK_METERED_SECONDS": "4", "HOOK_WATCH_SECONDS": "2", "LOOKUP_SECONDS": "1",
        "SETTLE_SECONDS": "5", "LEASE_SECONDS": "10",
    }  # fmt: skip

    def __init__(self, house: House) -> None:
        super().__init__(house)
        asked(f"{house.admin_url}/sandbox/shops", {"code": "casadobarro", "name": "Casa do Barro"})
        self.barro = PhcGoMerchant(house, "casadobarro", OLARIA_2)
        self.traders = self._traders()

    def _traders(self) -> dict[str, Trader]:
        shops = {one.shop: ShopSide(self.house, one.shop) for one in self.merchants}
        first, second = shops["olariadosado"].locations
        return {
            "olaria": Trader(
                self.olaria, shops["olariadosado"], IgestSide(self.house, "40321"), "program",
                (MAIN, first), (FAIR, second),
            ),
            "quinta": Trader(
                self.quinta, shops["quintadaserra"], IgestSide(self.house, "40377"), "shop", ("", "")
            ),
            "barro": Trader(
                self.barro, shops["casadobarro"], PhcGoSide(self.house, OLARIA_2), "program", ("1", "")
            ),
        }  # fmt: skip

    @property
    def merchants(self) -> tuple[Merchant, ...]:
        return self.olaria, self.quinta, self.barro

    @property
    def acts(self) -> tuple[Callable[[], None], ...]:
        return (
            self._brought_together, self._sold, self._hands_on_both_sides, self._renamed_between, self._sku_changed,
            self._without_sku, self._left_alone, self._during_the_run, self._failing_run, self._answers_lost,
            self._made_once, self._undone, self._not_paid, self._turned_round,
            self._at_rest,
        )  # fmt: skip

    def play(self) -> None:
        """Nothing, once every order has its document and every level is as it should be."""
        self._stock_up()
        first, second = self.traders["olaria"].shop.locations
        places = {f"place_{first}": MAIN, f"place_{second}": FAIR}
        self.olaria.set_up(
            exemption="M07", moves_stock="yes", stock="to-shop", no_sku="generic", generic_article=GENERIC, **places
        )  # fmt: skip
        self.quinta.set_up(moves_stock="yes", stock="to-provider")
        self.barro.set_up(moves_stock="yes", stock="to-shop")
        print("Three merchants installed the app; their stock follows.", flush=True)
        for act in self.acts:
            act()
        until(self.all_shown, "documents on orders")

    def check(self) -> list[str]:
        return [line for trader in self.traders.values() for line in trader.wrong()]

    def table(self) -> list[str]:
        head = f"{'shop':<14} {'SKU':<16} {'places':<16} {'there':>7} {'sold':>5} {'shop':>6} {'':<13} what altered it"
        return ["", head, *(row for trader in self.traders.values() for row in trader.table())]

    # how an act is played

    def _stock_up(self) -> None:
        """Nothing; the catalogues are there, and every ledger is watched from here on."""
        for name, wares, articles in (
            ("olaria", POTTERY, POTTERY_THERE), ("quinta", FARM, FARM_THERE), ("barro", CLAY, CLAY_THERE),
        ):  # fmt: skip
            trader = self.traders[name]
            trader.shop.load(list(wares))
            trader.program.load(list(articles))
            trader.begin()
        self._follow("olaria", "PRATO-01", "CANECA-07", "JARRO-AZUL", "POTE-01", "VASO-01")
        self._follow("quinta", "QUEIJO-01")
        self._follow("barro", "BILHA-01", "TELHA-01", "TALHA-01")

    def _follow(self, name: str, *skus: str, made: bool = False) -> None:
        trader = self.traders[name]
        for sku in skus:
            trader.followed[sku] = trader.shop.thing({"sku": sku})
        if made:
            trader.wanted.update(skus)

    def _together(self, *names: str) -> None:
        """Nothing, once the levels of these merchants (of all, when none is named) are as they should be."""
        traders = [self.traders[name] for name in names or self.traders]
        apart: list[str] = []

        def none_apart() -> bool:
            apart[:] = [line for trader in traders for line in trader.apart()]
            return not apart

        try:
            until(none_apart, "every level as it should be", PATIENCE)
        except AssertionError as never:
            raise AssertionError("\n".join([str(never), *apart])) from never

    def _place(self, name: str, title: str, *lines: Order, **spec: Any) -> Part:
        """An order that nobody has paid yet."""
        trader = self.traders[name]
        part = self.pay(title, *lines, merchant=trader.merchant, pay=False, **spec)
        trader.ordered(lines)
        for line in lines:
            trader.reserved[line.get("sku", "").strip()] += int(line.get("qty", 1))
        return part

    def _paid(self, name: str, part: Part, *lines: Order) -> None:
        """Nothing, once the order is paid and has its document."""
        trader = self.traders[name]
        trader.merchant.act(part.number, "pay")
        self.issued(part)
        trader.invoiced(lines)
        for line in lines:
            trader.reserved[line.get("sku", "").strip()] -= int(line.get("qty", 1))

    def _sale(self, name: str, title: str, *lines: Order, **spec: Any) -> None:
        self._paid(name, self._place(name, title, *lines, **spec), *lines)

    # the acts

    def _brought_together(self) -> None:
        self._together()

    def _sold(self) -> None:
        self._follow("olaria", "JARRO-VERDE", made=True)
        self._sale("olaria", "one of one", {"sku": "PRATO-01"})
        self._sale(
            "olaria", "a variant that is made", {"sku": "JARRO-VERDE", "qty": 2}, {"sku": "JARRO-AZUL"}
        )
        self._sale("olaria", "blanks around the SKU", {"sku": " CANECA-07 ", "qty": 3})
        self._follow("quinta", "MEL-500", made=True)
        self._sale("quinta", "two lines, one is made", {"sku": "MEL-500", "qty": 2}, {"sku": "QUEIJO-01"})
        self._sale("barro", "two of one", {"sku": "BILHA-01", "qty": 2})
        self._sale("barro", "one SKU in two lines", {"sku": "TELHA-01"}, {"sku": "TELHA-01", "qty": 4})
        self._together()

    def _hands_on_both_sides(self) -> None:
        olaria, quinta, barro = self.traders.values()
        olaria.put("program", "PRATO-01", 24)
        olaria.put("program", "PRATO-01", 4, FAIR)
        olaria.put("shop", "POTE-01", 99)
        quinta.put("shop", "QUEIJO-01", 30)
        quinta.put("shop", "MEL-500", 0)
        barro.put("program", "TELHA-01", 40)
        barro.put("shop", "BILHA-01", 77)
        self._together()
        quinta.put("program", "QUEIJO-01", 5)
        self._together()

    def _renamed_between(self) -> None:
        """Another name, or another reference too, between order and invoice: followed, and nothing is made."""
        for name, line, code in (
            ("olaria", {"sku": "POTE-01"}, ""), ("quinta", {"sku": "QUEIJO-01"}, "QJ-CURADO"),
            ("barro", {"sku": "TALHA-01"}, "TALHA-G"), ("barro", {"sku": "BILHA-01"}, ""),
        ):  # fmt: skip
            part = self._place(name, "its article called anew" + " with its reference" * bool(code), line)
            self.traders[name].rename(line["sku"], name="Outro nome", code=code)
            # an article is asked for again after ten minutes
            Tables(self.house.env["DATABASE_URL"]).articles_looked_up_long_ago()
            self._paid(name, part, line)
        self._together()

    def _sku_changed(self) -> None:
        """The order keeps the SKU that was bought; the product goes on under another one, which nobody knows there."""
        olaria, line = self.traders["olaria"], {"sku": "VASO-01", "qty": 2}
        part = self._place("olaria", "its SKU changed in the shop", line)
        olaria.shop.name_anew(olaria.followed.pop("VASO-01"), "VASO-02")
        self._paid("olaria", part, line)
        self._together("olaria")

    def _without_sku(self) -> None:
        line = {"product_id": self.traders["olaria"].shop.product("Peça única"), "article": GENERIC}
        self._sale("olaria", "a product without SKU", line)

    def _left_alone(self) -> None:
        shop = self.traders["olaria"].shop
        twice = {"product_id": shop.product("Travessa redonda"), "sku": "DUPLO-01"}
        self._sale("olaria", "a SKU that stands twice, one without end", twice, {"sku": "TINTA-01"})
        self._together("olaria")

    def _during_the_run(self) -> None:
        olaria = self.traders["olaria"]
        olaria.compare()
        for pieces in (17, 16, 18):
            olaria.put("program", "JARRO-AZUL", pieces)
        self._sale("olaria", "sold while it is compared", {"sku": "JARRO-AZUL"})
        self._together("olaria")

    def _failing_run(self) -> None:
        """Neither side answers for a while: what was changed meanwhile is not lost."""
        self.olaria.fault(method="listar_stock", kind="error500-before", times=3)
        shop_fails = {"path": "/v1/products", "kind": "429", "times": 4}
        asked(f"{self.house.admin_url}/sandbox/faults", shop_fails)
        self.traders["olaria"].put("program", "PRATO-01", 31)
        self.traders["quinta"].put("shop", "QUEIJO-01", 12)
        self._together()

    def _answers_lost(self) -> None:
        """A movement and a level whose answers are lost are not made twice, and not forgotten."""
        quinta, olaria = self.traders["quinta"], self.traders["olaria"]
        for kind, pieces in (("drop-after", 21), ("drop-before", 8)):
            self.quinta.fault(method="movimentar_stock", kind=kind)
            quinta.put("shop", "QUEIJO-01", pieces)
            self._together("quinta")
        for kind, pieces in (("drop-after", 26), ("drop", 27)):
            fault = {"path": "/v1/products_locations", "kind": kind, "method": "PUT", "times": 1}
            asked(f"{self.house.admin_url}/sandbox/faults", fault)
            olaria.put("program", "PRATO-01", pieces)
            self._together("olaria")

    def _made_once(self) -> None:
        """The answer to an article's making is lost: it is looked up, and there is one."""
        self._follow("quinta", "LICOR-01", made=True)
        self.quinta.fault(method="novo_artigo", kind="drop-after")
        self._sale("quinta", "its article made, answer lost", {"sku": "LICOR-01"})
        self._together("quinta")

    def _undone(self) -> None:
        olaria = self.traders["olaria"]
        key = (olaria.followed["CANECA-07"], olaria.shop.main)
        before = olaria.shop.levels()[key]
        olaria.put("program", "CANECA-07", 50)
        self._together("olaria")
        olaria.undo("CANECA-07")
        olaria.undone += 1
        until(lambda: olaria.shop.levels()[key] == before, "the change is undone", PATIENCE)
        olaria.put("program", "CANECA-07", 51)
        self._together("olaria")

    def _not_paid(self) -> None:
        """What is ordered is no longer there to be sold, also before it is paid; given up it is there again."""
        part = self._place("olaria", "placed, not paid", {"sku": "PRATO-01", "qty": 2})
        part.kinds = ()
        line = {"sku": "POTE-01"}
        given_up = self._place("olaria", "given up", line)
        given_up.kinds = ()
        self._together("olaria")
        self.olaria.act(given_up.number, "cancel")
        olaria = self.traders["olaria"]
        olaria.ordered([line], sign=1, by="cancel")
        olaria.reserved["POTE-01"] -= 1
        self._together("olaria")

    def _turned_round(self) -> None:
        """Now the shop follows, and documents move nothing: each sale is taken off by a movement of its own."""
        quinta = self.traders["quinta"]
        self.quinta.choose(stock="to-shop", moves_stock="")
        quinta.leads, quinta.documents_move = "both", False
        self.quinta.fault(method="movimentar_stock", kind="drop-after")
        self._sale(
            "quinta", "its movement's answer lost", {"sku": "LICOR-01", "qty": 2}, {"sku": "QUEIJO-01"}
        )
        self._together("quinta")
        quinta.put("program", "QUEIJO-01", 44)
        self._together("quinta")

    def _at_rest(self) -> None:
        """Nothing more is altered, however often all of it is compared: the two sides do not chase each other."""
        self._together()
        before = [trader.altered() for trader in self.traders.values()]
        for trader in self.traders.values():
            trader.compare()
            until(trader.compared, f"everything of {trader.merchant.shop} compared", PATIENCE)
        after = [trader.altered() for trader in self.traders.values()]
        assert before == after, f"levels altered while nothing happened: {before}, {after}"
