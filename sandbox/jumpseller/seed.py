"""The invented shops, products, taxes and addresses of the initial state.

Only the check digit of the tax ids is valid.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.core.storage import Json

EU_COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"


def _place(street: str, city: str, postal: str, region: tuple[str, str], country: tuple[str, str]) -> Json:
    return {
        "address": street,
        "city": city,
        "postal": postal,
        "region": region[0],
        "region_code": region[1],
        "country": country[0],
        "country_code": country[1],
    }


PORTUGAL = ("Portugal", "PT")
PLACES: dict[str, Json] = {
    "lisboa": _place("Rua do Exemplo 1, 2.º Dto.", "Lisboa", "1000-100", ("Lisboa", "14"), PORTUGAL),
    "porto": _place("Rua da Amostra 12", "Porto", "4000-001", ("Porto", "17"), PORTUGAL),
    "madeira": _place("Caminho do Ensaio 3", "Funchal", "9000-100", ("Madeira", "10"), PORTUGAL),
    "acores": _place("Rua da Prova 7", "Ponta Delgada", "9500-100", ("Açores", "23"), PORTUGAL),
    "es": _place("Calle del Ejemplo 4", "Madrid", "28001", ("Madrid", "29"), ("Espanha", "ES")),
    "canarias": _place("Calle de la Muestra 9", "Las Palmas", "35001", ("Canarias", "53"), ("Espanha", "ES")),
    "fr": _place("5 rue de l'Exemple", "Paris", "75001", ("Île-de-France", "A8"), ("França", "FR")),
    "de": _place("Musterstraße 8", "Berlin", "10115", ("Berlin", "16"), ("Alemanha", "DE")),
    "gb": _place("1 Sample Street", "London", "SW1A 1AA", ("London", "H9"), ("Reino Unido", "GB")),
    "us": _place("100 Example Ave", "New York", "10001", ("New York", "NY"), ("Estados Unidos", "US")),
}
PLACE_NAMES = {
    "lisboa": "Lisboa (continente)",
    "porto": "Porto (continente)",
    "madeira": "Funchal (Madeira)",
    "acores": "Ponta Delgada (Açores)",
    "es": "Madrid (Espanha)",
    "canarias": "Las Palmas (Canárias, fora do IVA da UE)",
    "fr": "Paris (França)",
    "de": "Berlim (Alemanha)",
    "gb": "Londres (Reino Unido)",
    "us": "Nova Iorque (EUA)",
}

# sku, name, price, tax names, type, stock, weight, variants (sku, option, value, price, stock)
Row = tuple[
    str | None, str, str, tuple[str, ...], str, int | None, str, tuple[tuple[str, str, str, str, int], ...]
]
PRODUCTS: dict[str, tuple[Row, ...]] = {
    "olariadosado": (
        ("TACA-01", "Taça de barro vidrado", "12.30", ("IVA 23%",), "physical", 40, "0.5", ()),
        (
            None,
            "Azulejo pintado à mão",
            "24.60",
            ("IVA 23%",),
            "physical",
            None,
            "0.4",
            (("AZJ-15-AZUL", "Cor", "Azul", "24.60", 12), ("AZJ-15-VERDE", "Cor", "Verde", "25.90", 7)),
        ),
        ("LIV-OLA-01", "Livro «O barro e o rio»", "15.90", ("IVA 6%",), "physical", 25, "0.6", ()),
        ("VINHO-01", "Vinho tinto de mesa", "8.95", ("IVA 13%",), "physical", 60, "1.3", ()),
        ("WORK-ISENTO", "Oficina de olaria (formação)", "45.00", (), "physical", 20, "0", ()),
        ("PDF-MOLDES", "Moldes para imprimir (PDF)", "6.15", ("IVA 23%",), "digital", None, "0", ()),
        ("VALE-25", "Cartão-presente 25 €", "25.00", ("IVA 23%",), "gift_card", None, "0", ()),
    ),
    "quintadaserra": (
        ("AZEITE-5L", "Azeite virgem extra, 5 L", "38.40", ("IVA 6%",), "physical", 80, "4.8", ()),
        ("COMPOTA-01", "Compota de abóbora", "4.35", ("IVA 23%",), "physical", 120, "0.4", ()),
        ("VINHO-QS", "Vinho tinto da quinta", "7.15", ("IVA 13%",), "physical", 90, "1.3", ()),
        ("CESTO-01", "Cesto de vime", "21.99", ("IVA 23%",), "physical", 15, "0.9", ()),
        ("VISITA-01", "Visita à quinta", "10.00", (), "digital", None, "0", ()),
    ),
}
TAXES = (("IVA 23%", "23.0", True), ("IVA 13%", "13.0", False), ("IVA 6%", "6.0", False))


def profile(code: str, name: str, number: int, inclusive: bool, place: Json, language: str = "pt") -> Json:
    """Return the profile of a shop, without the secret that signs its webhooks."""
    return {
        "code": code,
        "name": name,
        "number": 40000 + number,
        "currency": "EUR",
        "country": place["country_code"],
        "timezone": "Lisbon",
        "email": f"loja@{code}.example",
        "language": language,
        "prices_include_tax": inclusive,
        "address": place,
        "installed": False,
        "scope": None,
        "first_order": 1001,
        "letters": [],
    }


def profiles() -> list[Json]:
    """Return the profiles of the two shops that always exist."""
    sado = _place("Rua do Barro 15", "Setúbal", "2900-100", ("Setúbal", "19"), PORTUGAL)
    serra = _place("Estrada da Quinta 2", "Seia", "6270-100", ("Guarda", "11"), PORTUGAL)
    return [
        profile("olariadosado", "Olaria do Sado", 1, True, sado),
        profile("quintadaserra", "Quinta da Serra", 2, False, serra),
    ]


def taxes(number: int) -> list[Json]:
    """Return the taxes of a new shop; the first one also applies to shipping."""
    return [
        {
            "id": 51200340 + number * 1000 + at,
            "name": name,
            "country": "Portugal",
            "region": None,
            "category_id": None,
            "tax_amount": rate,
            "fixed": False,
            "shipping": shipping,
        }
        for at, (name, rate, shipping) in enumerate(TAXES)
    ]


def locations(number: int, profile_: Json) -> list[Json]:
    """Return a main warehouse and, unless the shop has only one location, a retail shop."""
    place = profile_["address"]
    address = {
        "id": 9000 + number * 10,
        "name": profile_["name"],
        "surname": "",
        "address": place["address"],
        "street_number": "",
        "complement": "",
        "city": place["city"],
        "postal": place["postal"],
        "country": place["country_code"],
        "region": place["region_code"],
        "municipality": "",
        "type": "location",
        "taxid": "",
        "taxid_type": "",
        "default": False,
        "region_format": "",
        "latitude": None,
        "longitude": None,
    }
    first = 314000 + number * 10
    return [
        {
            "id": first + at,
            "name": name,
            "email": profile_["email"],
            "active": True,
            "main": at == 1,
            "pickup_point": at == 2,
            "is_stock_origin": True,
            "location_address": address,
        }
        for at, name in ((1, "Armazém"), (2, "Loja"))[: profile_.get("locations", 2)]
    ]


def _option(name: str, value: str, position: int) -> Json:
    return {
        "name": name,
        "option_type": "option",
        "value": value,
        "custom": None,
        "product_option_position": 1,
        "product_value_position": position,
    }


def products(number: int, code: str) -> list[Json]:
    """Return the products of a new shop; any shop after the first two has those of the first."""
    made = []
    for at, row in enumerate(PRODUCTS.get(code, PRODUCTS["olariadosado"])):
        sku, name, price, tax_names, kind, stock, weight, variants = row
        first = 30415000 + number * 1000 + at * 10
        made.append(
            {
                "id": first,
                "name": name,
                "sku": sku,
                "price": price,
                "tax_names": list(tax_names),
                "type": kind,
                "stock": 0 if stock is None else stock,
                "stock_unlimited": stock is None and not variants,
                "weight": weight,
                "status": "available",
                "created_at": "2026-01-05 10:00:00 UTC",
                "updated_at": "2026-01-05 10:00:00 UTC",
                "variants": [
                    {
                        "id": first + 80000000 + nth,
                        "sku": variant_sku,
                        "price": variant_price,
                        "stock": variant_stock,
                        "options": [_option(option, value, nth)],
                    }
                    for nth, (variant_sku, option, value, variant_price, variant_stock) in enumerate(
                        variants, 1
                    )
                ],
            }
        )
    return made


def is_in_eu(country_code: str) -> bool:
    return country_code in EU_COUNTRIES.split()


def decimal_text(amount: object) -> str:
    """Return the amount as text without an exponent."""
    return format(Decimal(str(amount)), "f")
