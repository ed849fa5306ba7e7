"""Example orders, each with one thing that makes orders hard to invoice; the panel and tests place them by name."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.core.storage import Json

MUG: Json = {"sku": "TACA-01", "name": "Taça de barro", "price": "12.30", "tax": "IVA 23%"}
BOOK: Json = {"sku": "LIV-01", "name": "Livro de receitas", "price": "15.90", "tax": "IVA 6%"}
FREE_SAMPLE: Json = {**MUG, "sku": "AMOSTRA-01", "name": "Amostra grátis", "price": "0.00"}
ECOVALUE: Json = {"rate": "0.50", "fixed": True, "name": "Ecovalor"}
DROPS_OF_A_CENT: Json = {
    "name": "Etiqueta",
    "sku": "ETIQ-01",
    "price": "0.0375",
    "qty": 1000,
    "tax": "IVA 23%",
}
MARKUP = "<b>Pires</b> &amp; Caneca &#39;L&#39;"
SPAIN: Json = {"address": "Calle del Ejemplo 4", "city": "Madrid", "postal": "28001", "country": "Espanha"}


@dataclass(frozen=True)
class Example:
    """An order, and in Portuguese what is odd about it."""

    title: str
    spec: Json


def _rounded(position: str, **more: object) -> Json:
    line = {"sku": "CANECA-07", "name": "Caneca", "price": "7.80", "qty": 80, "tax": "IVA 23%"}
    return {"prices_include_tax": False, "switches": {"shop-rounding": position}, "lines": [line], **more}


EXAMPLES: dict[str, Example] = {
    "fixed-tax": Example(
        "ecovalor: um imposto de valor fixo numa linha",
        {"lines": [{"sku": "TORR-01", "name": "Torradeira", "price": "24.60", "tax": ["IVA 23%", ECOVALUE]}]},
    ),
    "two-shipping-taxes": Example(
        "dois impostos nos portes",
        {"lines": [MUG, BOOK], "shipping": {"price": "4.90", "tax": ["IVA 23%", "IVA 6%"]}},
    ),
    "pack": Example(
        "um conjunto: linha a zero e os seus artigos",
        {"lines": [{"sku": "KIT-01", "name": "Conjunto de mesa", "price": "0.00", "tax": []}, MUG, BOOK]},
    ),
    "gift-card-never-sold": Example(
        "paga em parte com um cartão-presente que a loja ofereceu",
        {"lines": [MUG, BOOK], "gift_card": "10.00"},
    ),
    "negative-line": Example(
        "uma linha negativa",
        {"lines": [MUG, {**MUG, "sku": "DESC-01", "name": "Desconto", "price": "-2.30"}]},
    ),
    "empty-line": Example("uma linha com 0 unidades", {"lines": [MUG, {**BOOK, "qty": 0}]}),
    "markup": Example("HTML no nome do artigo", {"lines": [{**MUG, "name": MARKUP}]}),
    "long-name": Example("um nome de 460 letras", {"lines": [{**MUG, "name": "Taça " * 92}]}),
    "three-letter-country": Example(
        "o país com três letras", {"lines": [MUG], "address": {**SPAIN, "country_code": "ESP"}}
    ),
    "country-word": Example(
        "o país por extenso", {"lines": [MUG], "address": {**SPAIN, "country_code": "Espanha"}}
    ),
    "unknown-country": Example(
        "um país que não existe", {"lines": [{**MUG, "tax": []}], "address": {**SPAIN, "country_code": "ZZ"}}
    ),
    "postal-code-with-country": Example(
        "as Canárias com «ES-» antes do código postal",
        {"lines": [{**MUG, "tax": []}], "address": {**SPAIN, "country_code": "ES", "postal": "ES-35003"}},
    ),
    "foreign-company-here": Example(
        "uma empresa espanhola sem IVA, entrega em Lisboa",
        {"lines": [{**MUG, "tax": []}], "nif": "ESB58378431", "company": "Ejemplo SL", "billing": "es"},
    ),
    "number-of-an-emigrant": Example(
        "o NIF de um emigrante na Alemanha", {"lines": [MUG], "address": "de", "nif": "212345699"}
    ),
    "no-number": Example("uma palavra no campo do NIF", {"lines": [MUG], "nif": "consumidor final"}),
    "labelled-number": Example("o NIF com o seu nome", {"lines": [MUG], "nif": "NIF: 123 456 789"}),
    "rounded-by-piece": Example("IVA arredondado em cada unidade", _rounded("piece")),
    "rounded-net-of-lines": Example(
        "o líquido de cada linha arredondado", _rounded("line-net", lines=[DROPS_OF_A_CENT, MUG])
    ),
    "rounded-net-and-vat": Example(
        "líquido e IVA arredondados à parte", _rounded("net-and-vat", lines=[DROPS_OF_A_CENT, MUG])
    ),
    "coupon-in-cents-a-piece": Example(
        "cupão de 10,00 mostrado como 3,33 por unidade",
        {
            "lines": [{**MUG, "price": "9.99", "qty": 3}],
            "coupon": "10.00",
            "switches": {"line-discount": "unit-cents"},
        },
    ),
    "coupon-over-goods": Example(
        "um cupão maior do que os artigos",
        {"lines": [MUG], "shipping": "4.92", "coupon": "15.00", "switches": {"coupon-rest": "shipping"}},
    ),
    "download-abroad": Example(
        "uma descarga vendida nos Estados Unidos",
        {"lines": [{**BOOK, "name": "Moldes (PDF)", "type": "digital", "tax": []}], "billing": "us"},
    ),
    "download-and-goods": Example(
        "portes de um artigo e de uma descarga",
        {"lines": [MUG, {**BOOK, "type": "digital"}], "shipping": {"price": "4.92", "tax": []}},
    ),
    "only-shipping": Example("só os portes são pagos", {"lines": [FREE_SAMPLE], "shipping": "3.50"}),
    "nothing-to-pay": Example("um cupão de 100 %", {"lines": [MUG], "coupon": {"percent": "100"}}),
    "second-hand-goods": Example(
        "um artigo em segunda mão para uma empresa espanhola",
        {
            "lines": [{"sku": "USADO-01", "name": "Pote em segunda mão", "price": "40.00", "tax": []}],
            "nif": "ESB58378431",
            "company": "Ejemplo SL",
            "address": "es",
        },
    ),
    "export": Example("uma venda para os Estados Unidos", {"lines": [{**MUG, "tax": []}], "address": "us"}),
    "shipping-at-another-rate": Example(
        "um livro a 6 % com portes a 23 %",
        {"lines": [BOOK], "shipping": {"price": "4.92", "tax": "IVA 23%"}},
    ),
    "book-to-spain": Example(
        "um livro para Madrid à taxa reduzida espanhola",
        {"lines": [{**BOOK, "price": "10.40", "tax": "4"}], "address": "es"},
    ),
    "reverse-charge-to-consumer": Example(
        "sucata de autoliquidação vendida com IVA a um particular",
        {"lines": [{"sku": "SUCATA-01", "name": "Sobras de latão", "price": "24.60", "tax": "IVA 23%"}]},
    ),
    "dollars": Example("uma encomenda em dólares", {"lines": [MUG], "currency": "USD"}),
    "row-without-id": Example(
        "na lista de encomendas falta o número", {"lines": [MUG], "list_row": {"id": None}}
    ),
    "row-without-date": Example(
        "na lista de encomendas falta a data", {"lines": [MUG], "list_row": {"created_at": None}}
    ),
    "row-without-amount": Example(
        "na lista de encomendas o total não é um número", {"lines": [MUG], "list_row": {"total": "n/d"}}
    ),
}
