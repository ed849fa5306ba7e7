"""Make products, articles, synced SKUs, runs and changes for tests and sample data. Each function commits."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopapp.models import (
    Account,
    Article,
    Document,
    Product,
    StockChange,
    Store,
    SyncedSku,
    SyncRun,
    db,
    now,
)
from shopapp.models.sync_run import CATALOGUE_RUN, DONE, STOCK_RUN

NAMES = (
    "Alguidar de barro vidrado, 40 cm", "Azulejo avulso «Cravo», 14 × 14 cm", "Boião de mel com tampa, 500 g",
    "Cerâmica do Alentejo: formas e vidrados, 3.ª edição", "Jarro de barro vermelho do Redondo, 1,5 l",
    "Painel de azulejo «Rio Sado», 12 peças de 14 × 14 cm", "Prato de parede «Andorinha», pintado à mão, 28 cm",
    "Talha pequena para azeite, com tampa de cortiça",
)  # fmt: skip


def make_product(store: Store, sku: str, name: str = "", stock: int | None = 7, **values: Any) -> Product:
    """Store one product of the shop."""
    number = values.pop("product_id", str(10_000 + secrets.randbelow(10**9)))
    kept = {"product_id": number, "variant_id": "", "kind": "goods", "active": True, **values}
    Product.upsert(store.id, [{**kept, "sku": sku, "name": name or f"Peça {sku}", "stock": stock}])
    db.session.commit()
    found: Product | None = (
        db.session.query(Product)
        .filter_by(store_id=store.id, product_id=number, variant_id=kept["variant_id"])
        .one_or_none()
    )
    assert found is not None
    return found


def make_article(account: Account, sku: str, state: str = "found", **values: Any) -> Article:
    """Store the article of a SKU; one that is not usable has neither id nor code."""
    usable = state in ("found", "made", "bound")
    known = {"article_id": f"id-{sku}", "code": sku, "name": f"Artigo {sku}"} if usable else {}
    Article.record(account.id, sku, state, **{**known, **values})
    db.session.commit()
    return Article.find_by_sku(account.id, [sku])[sku]


def make_synced_sku(
    account: Account, sku: str, provider_quantity: str = "7", shop_quantity: int = 7, **values: Any
) -> SyncedSku:
    """Store one synced SKU, not due unless `due_at` is given."""
    warehouse, location = account.stock_places[0]
    row = SyncedSku(
        store_id=account.store_id,
        account_id=account.id,
        sku=sku,
        theirs=Decimal(provider_quantity),
        ours=shop_quantity,
        warehouse=values.pop("warehouse", warehouse),
        location=values.pop("location", location),
        read_at=now(),
        cause="run",
        order_id="",
        tries=0,
        reason=values.pop("reason", ""),
        detail=values.pop("detail", {}),
        rejected="",
        **values,
    )
    db.session.add(row)
    db.session.commit()
    return row


def make_stock_change(
    row: SyncedSku, before: str, after: str, cause: str = "run", at: datetime | None = None, **values: Any
) -> StockChange:
    """Store one completed change in the journal."""
    moment = at or now() - timedelta(minutes=3)
    change = StockChange(
        store_id=row.store_id, account_id=row.account_id, stocked_id=row.id, sku=row.sku,
        name=values.pop("name", f"Peça {row.sku}"), warehouse=row.warehouse, location=row.location,
        side=values.pop("side", "shop"), before=Decimal(before), after=Decimal(after), cause=cause,
        state=values.pop("state", DONE), reference=f"QI-S-{secrets.token_hex(8)}", truth=after, planned_at=moment,
        sent_at=moment, ended_at=moment, order_id=values.pop("order_id", ""), reason="", **values,
    )  # fmt: skip
    db.session.add(change)
    row.changed_at = moment
    db.session.commit()
    return change


def make_sync_run(account: Account, kind: str = STOCK_RUN, state: str = DONE, **values: Any) -> SyncRun:
    """Store one run, completed unless another state is given."""
    at = values.pop("at", now() - timedelta(minutes=3))
    ended = values.pop("ended_at", None if state == "open" else at)
    row = SyncRun(
        store_id=account.store_id, account_id=account.id, kind=kind, cause="clock", state=state, begun_at=at,
        ended_at=ended, not_before=values.pop("not_before", at), phase=values.pop("phase", ""), cursor="",
        mark="", seen=values.pop("seen", 0), differing=values.pop("differing", 0), calls=0, tries=0,
        reason=values.pop("reason", ""), detail=values.pop("detail", {}), **values,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def make_catalogue(store: Store, account: Account, sale: Document | None = None) -> dict[str, Any]:
    """Store products in every state, with quantities and a journal; return them by name; sync to the shop."""
    account.settings = {**account.settings, "stock": "to-shop", "warehouse": "SET"}
    account.choices = {**account.choices, "articles": True, "stock_changes": True}
    db.session.commit()
    found: dict[str, Any] = {}
    run = make_sync_run(account)
    make_sync_run(account, CATALOGUE_RUN, at=now() - timedelta(hours=3))
    for at, name in enumerate(NAMES):
        sku = f"OLA-{at + 1:04d}"
        found[sku] = make_product(store, sku, name, stock=at)
        make_article(account, sku)
        row = make_synced_sku(account, sku, str(at), at)
        if at % 2:
            make_stock_change(
                row, str(at + 6), str(at), name=name, run_id=run.id, at=now() - timedelta(minutes=3 + at)
            )
    found |= _make_problem_products(store, account)
    found |= _make_stock_history(store, account, run, sale)
    found["run"] = run
    return found


def _make_problem_products(store: Store, account: Account) -> dict[str, Any]:
    found: dict[str, Any] = {
        "twice": make_product(store, "CAN-0210", "Caneca vidrada azul-cobalto, 300 ml"),
        "again": make_product(
            store, "CAN-0210", "Caneca vidrada azul-cobalto, edição de Natal, caixa de duas unidades"
        ),
        "no-sku": make_product(store, "", "Vale-oferta 25 €", None, kind="giftcard"),
        "missing": make_product(store, "TIG-0033", "Tigela de sopa em grés, 18 cm", 4),
        "also-missing": make_product(store, "TIG-0034", "Tigela de arroz em grés, 12 cm", 9),
        "refused": make_product(
            store, "SET-DE-AZULEJOS-DO-PALACIO-0001", "Conjunto «Palácio», 48 azulejos", 2
        ),
        "unknown": make_product(store, "NOV-0001", "Vaso novo, ainda por procurar", 3),
        "bound": make_product(store, "PRT-28", "Prato raso, 28 cm", 11),
        "unlimited": make_product(store, "AUL-01", "Aula aberta de olaria", None),
        "contested": make_product(store, "JAR-0150", "Jarra de solitário, 15 cm", 3),
        "stuck": make_product(store, "PIR-0009", "Pires de café", 5),
        "unsure": make_product(store, "COP-0004", "Copo de grés, 20 cl", 5),
    }
    make_article(account, "CAN-0210")
    for sku in ("TIG-0033", "TIG-0034"):
        make_article(account, sku, "absent")
    answer = {"answer": "Referência com mais de 18 caracteres"}
    make_article(
        account, "SET-DE-AZULEJOS-DO-PALACIO-0001", "refused", reason="article-refused", detail=answer
    )
    make_article(account, "PRT-28", "bound", code="PRATO28", name="Prato raso 28")
    make_synced_sku(account, "PRT-28", "11", 11)
    reasons = {"AUL-01": "unlimited", "JAR-0150": "contested", "PIR-0009": "refused", "COP-0004": "unsure"}
    for sku, reason in reasons.items():
        make_article(account, sku)
        detail = {"answer": "goods-by-place"} if reason == "refused" else {}
        make_synced_sku(account, sku, "0" if reason == "contested" else "8", 3, reason=reason, detail=detail)
    return found


def _make_stock_history(
    store: Store, account: Account, run: SyncRun, sale: Document | None
) -> dict[str, Any]:
    first = db.session.query(SyncedSku).filter_by(account_id=account.id, sku="OLA-0006").one()
    second = db.session.query(SyncedSku).filter_by(account_id=account.id, sku="OLA-0001").one()
    third = db.session.query(SyncedSku).filter_by(account_id=account.id, sku="OLA-0003").one()
    order = sale.order_id if sale is not None else "10488"
    name = NAMES[5]
    return {
        "sold": make_stock_change(first, "7", "6", "sale", name=name, order_id=order),
        "by-hand": make_stock_change(third, "9", "2", "hand", name=NAMES[2]),
        "undone": make_stock_change(second, "0", "4", "run", name=NAMES[0], state="undone", run_id=run.id),
        "undoing": make_stock_change(second, "4", "0", "undo", name=NAMES[0]),
        "going": make_stock_change(first, "6", "5", "hook", name=name, state="planned"),
        "lost": make_stock_change(first, "5", "4", "hook", name=name, state="lost"),
        "doubtful": make_stock_change(first, "8", "6", "hand", name=name, state="unsure", side="provider"),
    }  # fmt: skip
