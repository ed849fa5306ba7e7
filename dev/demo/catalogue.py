"""The demo of products and stock: three merchants, orders, manual changes on both sides, and the ledgers' verdict.

Olaria's shop follows iGEST, warehouse by warehouse; iGEST follows Quinta's shop; a third shop follows PHC GO.
Only the stand-ins are asked what happened, never the app's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dev.app_database import AppDatabase
from dev.local_stack import LocalStack
from dev.merchant import Merchant, wait_until
from dev.phcgo_merchant import PhcGoMerchant
from dev.provider_sides import IgestSide, PhcGoSide
from dev.stock_sides import ShopSide, call_control

from .catalogue_data import (
    CLAY_ARTICLES,
    CLAY_PRODUCTS,
    FAIR_WAREHOUSE,
    FARM_ARTICLES,
    FARM_PRODUCTS,
    GENERIC_ARTICLE,
    MAIN_WAREHOUSE,
    POTTERY_ARTICLES,
    POTTERY_PRODUCTS,
)
from .scenarios import Demo, DemoOrder, Order
from .stock_merchants import StockMerchant

OLARIA_2 = "a3f91c07/OLARIA2"
SYNC_TIMEOUT = 150.0


class CatalogueDemo(Demo):
    """Three merchants whose stock is synced in one direction or the other."""

    provider_name = "iGEST or PHC GO"
    success_message = (
        "The ledgers match: each order has its document, each article is there once, each level is"
        " as it should be."
    )
    settings: ClassVar[dict[str, str]] = {
        "STOCK_SECONDS": "3", "STOCK_METERED_SECONDS": "4", "HOOK_WATCH_SECONDS": "2", "LOOKUP_SECONDS": "1",
        "SETTLE_SECONDS": "5", "LEASE_SECONDS": "10",
    }  # fmt: skip

    def __init__(self, stack: LocalStack) -> None:
        super().__init__(stack)
        call_control(f"{stack.admin_url}/sandbox/shops", {"code": "casadobarro", "name": "Casa do Barro"})
        self.barro = PhcGoMerchant(stack, "casadobarro", OLARIA_2)
        self.stock_merchants = self._stock_merchants()

    def _stock_merchants(self) -> dict[str, StockMerchant]:
        shops = {one.shop: ShopSide(self.stack, one.shop) for one in self.merchants}
        first, second = shops["olariadosado"].locations
        return {
            "olaria": StockMerchant(
                self.olaria, shops["olariadosado"], IgestSide(self.stack, "40321"), "program",
                (MAIN_WAREHOUSE, first), (FAIR_WAREHOUSE, second),
            ),
            "quinta": StockMerchant(
                self.quinta, shops["quintadaserra"], IgestSide(self.stack, "40377"), "shop", ("", "")
            ),
            "barro": StockMerchant(
                self.barro, shops["casadobarro"], PhcGoSide(self.stack, OLARIA_2), "program", ("1", "")
            ),
        }  # fmt: skip

    @property
    def merchants(self) -> tuple[Merchant, ...]:
        return self.olaria, self.quinta, self.barro

    @property
    def scenarios(self) -> tuple[Callable[[], None], ...]:
        return (
            self._first_sync, self._sales, self._manual_changes, self._article_renamed, self._sku_changed,
            self._without_sku, self._not_synced, self._sales_during_run, self._failing_run, self._lost_answers,
            self._article_created_once, self._undo, self._unpaid_orders, self._direction_reversed,
            self._no_further_changes,
        )  # fmt: skip

    def run(self) -> None:
        """Play all scenarios until every order has its document and every level is right."""
        self._load_catalogues()
        first, second = self.stock_merchants["olaria"].shop.locations
        places = {f"place_{first}": MAIN_WAREHOUSE, f"place_{second}": FAIR_WAREHOUSE}
        self.olaria.set_up(
            exemption="M07",
            moves_stock="yes",
            stock="to-shop",
            no_sku="generic",
            generic_article=GENERIC_ARTICLE,
            **places,
        )
        self.quinta.set_up(moves_stock="yes", stock="to-provider")
        self.barro.set_up(moves_stock="yes", stock="to-shop")
        print("Three merchants installed the app; their stock follows.", flush=True)
        for act in self.scenarios:
            act()
        wait_until(self.all_documents_shown, "documents on orders")

    def check(self) -> list[str]:
        return [
            line
            for stock_merchant in self.stock_merchants.values()
            for line in stock_merchant.all_differences()
        ]

    def table(self) -> list[str]:
        head = f"{'shop':<14} {'SKU':<16} {'places':<16} {'there':>7} {'sold':>5} {'shop':>6} {'':<13} what altered it"
        return [
            "",
            head,
            *(row for stock_merchant in self.stock_merchants.values() for row in stock_merchant.table()),
        ]

    # Steps of the scenarios

    def _load_catalogues(self) -> None:
        """Load the catalogues and start recording every ledger."""
        for name, wares, articles in (
            ("olaria", POTTERY_PRODUCTS, POTTERY_ARTICLES),
            ("quinta", FARM_PRODUCTS, FARM_ARTICLES),
            ("barro", CLAY_PRODUCTS, CLAY_ARTICLES),
        ):
            stock_merchant = self.stock_merchants[name]
            stock_merchant.shop.load_products(list(wares))
            stock_merchant.provider.load_articles(list(articles))
            stock_merchant.start_recording()
        self._expect_sync("olaria", "PRATO-01", "CANECA-07", "JARRO-AZUL", "POTE-01", "VASO-01")
        self._expect_sync("quinta", "QUEIJO-01")
        self._expect_sync("barro", "BILHA-01", "TELHA-01", "TALHA-01")

    def _expect_sync(self, name: str, *skus: str, made: bool = False) -> None:
        stock_merchant = self.stock_merchants[name]
        for sku in skus:
            stock_merchant.synced_items[sku] = stock_merchant.shop.item_of_line({"sku": sku})
        if made:
            stock_merchant.expected_codes.update(skus)

    def _wait_until_in_sync(self, *names: str) -> None:
        """Wait until the levels of these merchants (of all, when none is named) are right."""
        stock_merchants = [self.stock_merchants[name] for name in names or self.stock_merchants]
        apart: list[str] = []

        def none_apart() -> bool:
            apart[:] = [
                line for stock_merchant in stock_merchants for line in stock_merchant.level_differences()
            ]
            return not apart

        try:
            wait_until(none_apart, "every level as it should be", SYNC_TIMEOUT)
        except AssertionError as never:
            raise AssertionError("\n".join([str(never), *apart])) from never

    def _place_order(self, name: str, title: str, *lines: Order, **spec: Any) -> DemoOrder:
        """Place an unpaid order."""
        stock_merchant = self.stock_merchants[name]
        demo_order = self.place_paid_order(title, *lines, merchant=stock_merchant.merchant, pay=False, **spec)
        stock_merchant.record_order(lines)
        for line in lines:
            stock_merchant.reserved[line.get("sku", "").strip()] += int(line.get("qty", 1))
        return demo_order

    def _pay_order(self, name: str, demo_order: DemoOrder, *lines: Order) -> None:
        """Pay the order and wait for its document."""
        stock_merchant = self.stock_merchants[name]
        stock_merchant.merchant.change_order(demo_order.number, "pay")
        self.wait_until_issued(demo_order)
        stock_merchant.record_invoice(lines)
        for line in lines:
            stock_merchant.reserved[line.get("sku", "").strip()] -= int(line.get("qty", 1))

    def _sell(self, name: str, title: str, *lines: Order, **spec: Any) -> None:
        self._pay_order(name, self._place_order(name, title, *lines, **spec), *lines)

    # The scenarios

    def _first_sync(self) -> None:
        self._wait_until_in_sync()

    def _sales(self) -> None:
        self._expect_sync("olaria", "JARRO-VERDE", made=True)
        self._sell("olaria", "one of one", {"sku": "PRATO-01"})
        self._sell(
            "olaria", "a variant that is made", {"sku": "JARRO-VERDE", "qty": 2}, {"sku": "JARRO-AZUL"}
        )
        self._sell("olaria", "blanks around the SKU", {"sku": " CANECA-07 ", "qty": 3})
        self._expect_sync("quinta", "MEL-500", made=True)
        self._sell("quinta", "two lines, one is made", {"sku": "MEL-500", "qty": 2}, {"sku": "QUEIJO-01"})
        self._sell("barro", "two of one", {"sku": "BILHA-01", "qty": 2})
        self._sell("barro", "one SKU in two lines", {"sku": "TELHA-01"}, {"sku": "TELHA-01", "qty": 4})
        self._wait_until_in_sync()

    def _manual_changes(self) -> None:
        olaria, quinta, barro = self.stock_merchants.values()
        olaria.set_level("program", "PRATO-01", 24)
        olaria.set_level("program", "PRATO-01", 4, FAIR_WAREHOUSE)
        olaria.set_level("shop", "POTE-01", 99)
        quinta.set_level("shop", "QUEIJO-01", 30)
        quinta.set_level("shop", "MEL-500", 0)
        barro.set_level("program", "TELHA-01", 40)
        barro.set_level("shop", "BILHA-01", 77)
        self._wait_until_in_sync()
        quinta.set_level("program", "QUEIJO-01", 5)
        self._wait_until_in_sync()

    def _article_renamed(self) -> None:
        """Rename an article, or its reference, between order and invoice: the app follows it and creates none."""
        for name, line, code in (
            ("olaria", {"sku": "POTE-01"}, ""), ("quinta", {"sku": "QUEIJO-01"}, "QJ-CURADO"),
            ("barro", {"sku": "TALHA-01"}, "TALHA-G"), ("barro", {"sku": "BILHA-01"}, ""),
        ):  # fmt: skip
            demo_order = self._place_order(
                name, "its article renamed" + " with its reference" * bool(code), line
            )
            self.stock_merchants[name].rename_article(line["sku"], name="Outro nome", code=code)
            # An article is looked up again after ten minutes.
            AppDatabase(self.stack.env["DATABASE_URL"]).expire_article_lookups()
            self._pay_order(name, demo_order, line)
        self._wait_until_in_sync()

    def _sku_changed(self) -> None:
        """Change a product's SKU after the order: the order has the old one, which the provider knows."""
        olaria, line = self.stock_merchants["olaria"], {"sku": "VASO-01", "qty": 2}
        demo_order = self._place_order("olaria", "its SKU changed in the shop", line)
        olaria.shop.change_sku(olaria.synced_items.pop("VASO-01"), "VASO-02")
        self._pay_order("olaria", demo_order, line)
        self._wait_until_in_sync("olaria")

    def _without_sku(self) -> None:
        line = {
            "product_id": self.stock_merchants["olaria"].shop.product_id("Peça única"),
            "article": GENERIC_ARTICLE,
        }
        self._sell("olaria", "a product without SKU", line)

    def _not_synced(self) -> None:
        shop = self.stock_merchants["olaria"].shop
        twice = {"product_id": shop.product_id("Travessa redonda"), "sku": "DUPLO-01"}
        self._sell("olaria", "a SKU that stands twice, one without end", twice, {"sku": "TINTA-01"})
        self._wait_until_in_sync("olaria")

    def _sales_during_run(self) -> None:
        olaria = self.stock_merchants["olaria"]
        olaria.start_comparison()
        for pieces in (17, 16, 18):
            olaria.set_level("program", "JARRO-AZUL", pieces)
        self._sell("olaria", "sold while it is compared", {"sku": "JARRO-AZUL"})
        self._wait_until_in_sync("olaria")

    def _failing_run(self) -> None:
        """Make both sides fail for a while: changes made in that time are not lost."""
        self.olaria.inject_fault(method="listar_stock", kind="error500-before", times=3)
        shop_fails = {"path": "/v1/products", "kind": "429", "times": 4}
        call_control(f"{self.stack.admin_url}/sandbox/faults", shop_fails)
        self.stock_merchants["olaria"].set_level("program", "PRATO-01", 31)
        self.stock_merchants["quinta"].set_level("shop", "QUEIJO-01", 12)
        self._wait_until_in_sync()

    def _lost_answers(self) -> None:
        """Lose the answers to a movement and to setting a level: neither change is repeated or lost."""
        quinta, olaria = self.stock_merchants["quinta"], self.stock_merchants["olaria"]
        for kind, pieces in (("drop-after", 21), ("drop-before", 8)):
            self.quinta.inject_fault(method="movimentar_stock", kind=kind)
            quinta.set_level("shop", "QUEIJO-01", pieces)
            self._wait_until_in_sync("quinta")
        for kind, pieces in (("drop-after", 26), ("drop", 27)):
            fault = {"path": "/v1/products_locations", "kind": kind, "method": "PUT", "times": 1}
            call_control(f"{self.stack.admin_url}/sandbox/faults", fault)
            olaria.set_level("program", "PRATO-01", pieces)
            self._wait_until_in_sync("olaria")

    def _article_created_once(self) -> None:
        """Lose the answer to the creation of an article: it is looked up, and there is only one."""
        self._expect_sync("quinta", "LICOR-01", made=True)
        self.quinta.inject_fault(method="novo_artigo", kind="drop-after")
        self._sell("quinta", "its article made, answer lost", {"sku": "LICOR-01"})
        self._wait_until_in_sync("quinta")

    def _undo(self) -> None:
        olaria = self.stock_merchants["olaria"]
        key = (olaria.synced_items["CANECA-07"], olaria.shop.main_location)
        before = olaria.shop.levels()[key]
        olaria.set_level("program", "CANECA-07", 50)
        self._wait_until_in_sync("olaria")
        olaria.undo("CANECA-07")
        olaria.undo_count += 1
        wait_until(lambda: olaria.shop.levels()[key] == before, "the change is undone", SYNC_TIMEOUT)
        olaria.set_level("program", "CANECA-07", 51)
        self._wait_until_in_sync("olaria")

    def _unpaid_orders(self) -> None:
        """Reserve the pieces of an order even before it is paid; release them when it is cancelled."""
        demo_order = self._place_order("olaria", "placed, not paid", {"sku": "PRATO-01", "qty": 2})
        demo_order.kinds = ()
        line = {"sku": "POTE-01"}
        given_up = self._place_order("olaria", "given up", line)
        given_up.kinds = ()
        self._wait_until_in_sync("olaria")
        self.olaria.change_order(given_up.number, "cancel")
        olaria = self.stock_merchants["olaria"]
        olaria.record_order([line], sign=1, by="cancel")
        olaria.reserved["POTE-01"] -= 1
        self._wait_until_in_sync("olaria")

    def _direction_reversed(self) -> None:
        """Reverse the direction: the provider follows, and each sale is a separate movement."""
        quinta = self.stock_merchants["quinta"]
        self.quinta.choose(stock="to-shop", moves_stock="")
        quinta.leading_side, quinta.documents_move = "both", False
        self.quinta.inject_fault(method="movimentar_stock", kind="drop-after")
        self._sell(
            "quinta", "its movement's answer lost", {"sku": "LICOR-01", "qty": 2}, {"sku": "QUEIJO-01"}
        )
        self._wait_until_in_sync("quinta")
        quinta.set_level("program", "QUEIJO-01", 44)
        self._wait_until_in_sync("quinta")

    def _no_further_changes(self) -> None:
        """Compare both sides repeatedly: neither makes a change that the other one reverts."""
        self._wait_until_in_sync()
        before = [stock_merchant.change_counts() for stock_merchant in self.stock_merchants.values()]
        for trader in self.stock_merchants.values():
            trader.start_comparison()
            wait_until(
                trader.comparison_is_done, f"everything of {trader.merchant.shop} compared", SYNC_TIMEOUT
            )
        after = [trader.change_counts() for trader in self.stock_merchants.values()]
        assert before == after, f"levels altered while nothing happened: {before}, {after}"
