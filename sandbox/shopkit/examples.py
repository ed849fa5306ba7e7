"""Example orders, each with one thing that makes orders hard to invoice; the back office and tests place them.

Their prices include VAT in the first store and exclude it in the second, unless the example says which.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.core.storage import Json

MUG: Json = {"sku": "TACA-01", "name": "Taça de barro", "price": "12.30", "tax": 23}
BOOK: Json = {"sku": "LIV-01", "name": "Livro de receitas", "price": "15.90", "tax": 6}
WORKSHOP: Json = {"sku": "WORK-01", "name": "Oficina de olaria", "price": "45.00", "tax": 0}
HALF_CENT: Json = {"sku": "ETIQ-01", "name": "Etiqueta", "price": "0.0375", "qty": 30, "tax": 23}
SHIPPING: Json = {"price": "4.92", "tax": 23}
SPANISH_COMPANY: Json = {"nif": "ESB58378431", "company": "Ejemplo SL", "address": "es"}


@dataclass(frozen=True)
class Example:
    """An order, and in Portuguese what is odd about it."""

    title: str
    spec: Json


def _order(*lines: Json, **more: object) -> Json:
    return {"lines": list(lines or (MUG,)), "shipping": SHIPPING, **more}


EXAMPLES: dict[str, Example] = {
    # money
    "payment-fee": Example(
        "à cobrança, com uma taxa",
        _order(MUG, BOOK, payment={"method": "on_delivery", "fee": "2.46", "tax": 23}),
    ),
    "untaxed-shipping": Example(
        "portes sem IVA e sem percentagem", _order(MUG, shipping={"price": "7.25", "tax": 0})
    ),
    "free-shipping": Example(
        "cupão de portes grátis", _order(MUG, coupon={"code": "PORTES", "type": "shipping", "value": 0})
    ),
    "percent-coupon": Example(
        "cupão de 10 % sobre três taxas, com várias unidades",
        _order({**MUG, "qty": 3}, {**BOOK, "qty": 2}, WORKSHOP, coupon={"percent": 10}),
    ),
    "fixed-coupon": Example("cupão de 10 € repartido pelas linhas", _order(MUG, BOOK, coupon="10.00")),
    "fixed-coupon-on-order": Example(
        "cupão de 10 € que só a encomenda mostra",
        _order(MUG, BOOK, coupon="10.00", switches={"fixed-coupon": "order"}),
    ),
    "coupon-of-everything": Example("cupão de 100 %", _order(MUG, shipping=0, coupon={"percent": 100})),
    "loyalty": Example("paga em parte com pontos de fidelidade", _order(MUG, BOOK, loyalty="5.00")),
    "hidden-loyalty": Example(
        "pontos que só o total mostra", _order(MUG, BOOK, loyalty="5.00", switches={"loyalty": "hidden"})
    ),
    "extras": Example(
        "uma linha com um extra pago",
        _order({**MUG, "qty": 2, "extras": [{"title": "Gravação", "price": "2.50"}]}),
    ),
    "hidden-extras": Example(
        "um extra que só o total mostra",
        _order({**MUG, "extras": [{"title": "Gravação", "price": "2.50"}]}, switches={"extras": "hidden"}),
    ),
    "half-cents": Example(
        "somas que acabam em meio cêntimo, sem IVA incluído",
        _order(HALF_CENT, {**MUG, "price": "10.005", "qty": 3}, prices_include_tax=False, shipping=0),
    ),
    "long-floats": Example(
        "descontos com muitas casas decimais",
        _order(
            {**MUG, "price": "77.32"},
            {**WORKSHOP, "price": "71.32"},
            coupon={"percent": 10},
            shipping={"price": "7.25", "tax": 0},
            prices_include_tax=False,
        ),
    ),
    "line-discount": Example(
        "um desconto só numa linha, de três unidades", _order({**MUG, "qty": 3, "discount": "1.00"}, BOOK)
    ),
    "total-one-cent-off": Example("o total tem um cêntimo a mais", _order(MUG, total_differs="0.01")),
    "total-one-euro-off": Example("o total tem um euro a mais", _order(MUG, total_differs="1.00")),
    "comma-text": Example("valores em texto com vírgula", _order(MUG, BOOK, switches={"numbers": "comma"})),
    "text-types": Example("números e sim/não em texto", _order(MUG, BOOK, switches={"types": "text"})),
    "dollars": Example("uma encomenda em dólares", _order(MUG, currency="USD")),
    # lines
    "exempt-line": Example("uma formação isenta, sem motivo", _order(WORKSHOP, shipping=0)),
    "exempt-and-taxed": Example("um artigo isento e outro a 23 %", _order(WORKSHOP, MUG)),
    "exemption-code": Example(
        "toda a encomenda isenta, com o código", _order(WORKSHOP, shipping=0, tax_exemption="M07")
    ),
    "exemption-unknown": Example(
        "isenta com um código que não existe", _order(WORKSHOP, shipping=0, tax_exemption="isento")
    ),
    "not-a-product": Example(
        "uma linha que não é um produto",
        _order(MUG, {"name": "Embrulho", "price": "2.00", "is_product": False}),
    ),
    "no-reference": Example("um artigo sem referência", _order({**MUG, "sku": ""})),
    "option": Example(
        "uma variante", _order({**MUG, "name": "T-shirt", "option": "M / Azul", "sku": "TSH-M-AZUL"})
    ),
    "free-line": Example("uma oferta a 0 €", _order(MUG, {**BOOK, "price": "0.00"})),
    "no-quantity": Example("uma linha com 0 unidades", _order(MUG, {**BOOK, "qty": 0})),
    "digital": Example(
        "só uma descarga", _order({**BOOK, "name": "Moldes (PDF)", "type": "digital", "tax": 23}, shipping=0)
    ),
    "markup": Example(
        "HTML no nome do artigo", _order({**MUG, "name": "<b>Pires</b> &amp; Caneca &#39;L&#39;"})
    ),
    # places and people
    "madeira": Example(
        "Madeira, com as suas taxas",
        _order({**MUG, "tax": 22}, address="madeira", shipping={"price": "4.92", "tax": 22}),
    ),
    "acores": Example(
        "Açores, com as suas taxas",
        _order({**MUG, "tax": 16}, address="acores", shipping={"price": "4.92", "tax": 16}),
    ),
    "island-without-region": Example(
        "Madeira escrita só «Portugal»",
        _order({**MUG, "tax": 22}, address="madeira", switches={"island-names": "country"}, shipping=0),
    ),
    "spain-consumer": Example("um particular em Espanha, com IVA", _order(MUG, address="es")),
    "spain-company": Example(
        "uma empresa espanhola, sem IVA",
        _order(
            {**MUG, "tax": 0}, shipping={"price": "4.92", "tax": 0}, tax_exemption="M16", **SPANISH_COMPANY
        ),
    ),
    "canary-islands": Example(
        "Canárias, fora do IVA da UE",
        _order({**MUG, "tax": 0}, address="canarias", shipping={"price": "9.90", "tax": 0}),
    ),
    "united-states": Example(
        "uma exportação", _order({**MUG, "tax": 0}, address="us", shipping={"price": "19.90", "tax": 0})
    ),
    "prefixed-nif": Example("o NIF com PT antes", _order(MUG, nif="PT123456789")),
    "final-consumer": Example("o NIF 999999990", _order(MUG, nif="999999990")),
    "wrong-nif": Example("um NIF com o dígito errado", _order(MUG, nif="123456780")),
    "word-as-nif": Example("uma palavra no lugar do NIF", _order(MUG, nif="consumidor final")),
    "company-beside-name": Example(
        "empresa, nome e morada de faturação diferentes",
        _order(
            MUG,
            nif="501964843",
            company="Empresa Exemplo, Lda.",
            billing={"name": "Contabilidade", "city": "Braga"},
        ),
    ),
    "wholesale": Example(
        "uma encomenda de revenda, preços sem IVA",
        _order({**MUG, "price": "8.00", "qty": 24}, wholesale=True, nif="501964843"),
    ),
    # what became of it
    "partial-return": Example(
        "entregue, e uma de duas taças devolvida",
        _order({**MUG, "qty": 2}, BOOK, pay=True, **{"return": {"0": 1}}),
    ),
    "whole-return": Example("devolvida por inteiro", _order(MUG, BOOK, pay=True, **{"return": True})),
    "imported": Example("importada de outra loja", _order(MUG, origin="import")),
    "duplicated": Example("duplicada pelo comerciante", _order(MUG, origin="duplicate")),
    "paid-in-summer": Example(
        "paga numa noite de verão, já no dia seguinte em Lisboa",
        _order(MUG, pay=True, created_at="2026-07-31T23:10:00+01:00", paid_at="2026-08-01T00:20:00+01:00"),
    ),
    "row-without-id": Example("na lista falta o número", _order(MUG, list_row={"id": None})),
    "row-without-date": Example(
        "na lista falta a data do pagamento", _order(MUG, list_row={"paid_at": None})
    ),
}
