"""The catalogues of the three merchants of the catalogue demo, before the app is installed.

They contain every oddity of a catalogue: variants, a SKU used twice, no SKU, a SKU with blanks around it,
unlimited stock, SKUs unknown to the provider, articles with another name.
"""

from __future__ import annotations

from typing import Any

Product = dict[str, Any]
MAIN_WAREHOUSE, FAIR_WAREHOUSE = "SET", "EST"
"""Olaria's warehouses at iGEST; each corresponds to one of the shop's two locations."""
GENERIC_ARTICLE = "DIVERSOS"


def product(sku: str | None, name: str, price: str, stock: Any, **more: Any) -> Product:
    """Return one product of a shop's catalogue."""
    return {"sku": sku, "name": name, "price": price, "stock": stock, **more}


def article(ref: str, name: str, stock: Any = 0) -> Product:
    """Return one article of an invoicing system's catalogue."""
    return {"ref": ref, "name": name, "stock": stock}


JUG = product(None, "Jarro", "18.90", 0, variants=[
    {"sku": "JARRO-AZUL", "option": "Cor", "value": "Azul", "price": "18.90", "stock": 4},
    {"sku": "JARRO-VERDE", "option": "Cor", "value": "Verde", "price": "19.90", "stock": 6},
])  # fmt: skip
POTTERY_PRODUCTS = (
    product("PRATO-01", "Prato raso", "9.80", 3),
    product(" CANECA-07 ", "Caneca", "7.50", 11),
    JUG,
    product("DUPLO-01", "Travessa oval", "22.00", 5),
    product("DUPLO-01", "Travessa redonda", "24.00", 5),
    product(None, "Peça única", "85.00", 1),
    product("POTE-01", "Pote", "31.00", 8),
    product("VASO-01", "Vaso", "14.00", 9),
    product("NUNCA-01", "Nunca vendido", "5.00", 2),
    product("TINTA-01", "Curso em vídeo", "19.00", None),
)
POTTERY_ARTICLES = (
    article("PRATO-01", "Prato antigo, outro nome", {MAIN_WAREHOUSE: 10, FAIR_WAREHOUSE: 5}),
    article("CANECA-07", "Caneca", {MAIN_WAREHOUSE: 20}),
    article("JARRO-AZUL", "Jarro azul", {MAIN_WAREHOUSE: 12, FAIR_WAREHOUSE: 2}),
    article("DUPLO-01", "Travessa", {MAIN_WAREHOUSE: 3}),
    article("POTE-01", "Pote", {MAIN_WAREHOUSE: 8}),
    article("VASO-01", "Vaso", {MAIN_WAREHOUSE: 9}),
    article("TINTA-01", "Curso", {MAIN_WAREHOUSE: 1}),
    article(GENERIC_ARTICLE, "Diversos"),
)
FARM_PRODUCTS = (
    product("MEL-500", "Mel de rosmaninho", "6.20", 40), product("QUEIJO-01", "Queijo curado", "12.40", 15),
    product("LICOR-01", "Licor", "11.00", 7),
)  # fmt: skip
FARM_ARTICLES = (article("QUEIJO-01", "Queijo", 10),)
CLAY_PRODUCTS = (
    product("BILHA-01", "Bilha", "16.00", 2), product("TELHA-01", "Telha pintada", "4.50", 30),
    product("TALHA-01", "Talha", "120.00", 1),
)  # fmt: skip
CLAY_ARTICLES = (
    article("BILHA-01", "Bilha", 6),
    article("TELHA-01", "Telha", 25),
    article("TALHA-01", "Talha grande", 3),
)
