"""The invented stores, products and addresses of the initial state.

Only the check digit of the tax ids is valid.
"""

from __future__ import annotations

from sandbox.core.storage import Json

EU_COUNTRIES = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]
MAINLAND = "Portugal - Continental"


def _place(street: str, city: str, zip_code: str, country: str, three: str, two: str) -> Json:
    return {
        "address": street,
        "address_extra": "",
        "zip_code": zip_code,
        "city": city,
        "country": country,
        "country_code": three,
        "country_code_alpha_2": two,
    }


PLACES: dict[str, Json] = {
    "lisboa": _place("Rua do Exemplo 1, 2.º Dto.", "Lisboa", "1000-100", MAINLAND, "PRT", "PT"),
    "porto": _place("Rua da Amostra 12", "Porto", "4000-001", MAINLAND, "PRT", "PT"),
    "madeira": _place("Caminho do Ensaio 3", "Funchal", "9000-100", "Portugal - Madeira", "PRT", "PT"),
    "acores": _place("Rua da Prova 7", "Ponta Delgada", "9500-100", "Portugal - Açores", "PRT", "PT"),
    "es": _place("Calle del Ejemplo 4", "Madrid", "28001", "Espanha", "ESP", "ES"),
    "canarias": _place("Calle de la Muestra 9", "Las Palmas", "35001", "Espanha", "ESP", "ES"),
    "fr": _place("5 rue de l'Exemple", "Paris", "75001", "França", "FRA", "FR"),
    "de": _place("Musterstraße 8", "Berlin", "10115", "Alemanha", "DEU", "DE"),
    "gb": _place("1 Sample Street", "London", "SW1A 1AA", "Reino Unido", "GBR", "GB"),
    "us": _place("100 Example Ave", "New York", "10001", "Estados Unidos", "USA", "US"),
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

# reference, title, price, rate, type, stock (None: not counted), variants (reference, title, price, stock)
Row = tuple[str, str, float, float, str, int | None, tuple[tuple[str, str, float, int], ...]]
PRODUCTS: dict[str, tuple[Row, ...]] = {
    "olariadosado": (
        ("TACA-01", "Taça de barro vidrado", 12.30, 23, "physical", 40, ()),
        (
            "",
            "Azulejo pintado à mão",
            24.60,
            23,
            "physical",
            0,
            (("AZJ-15-AZUL", "Azul", 24.60, 12), ("AZJ-15-VERDE", "Verde", 25.90, 7)),
        ),
        ("LIV-OLA-01", "Livro «O barro e o rio»", 15.90, 6, "physical", 25, ()),
        ("VINHO-01", "Vinho tinto de mesa", 8.95, 13, "physical", 60, ()),
        ("WORK-ISENTO", "Oficina de olaria (formação)", 45.00, 0, "physical", 20, ()),
        ("PDF-MOLDES", "Moldes para imprimir (PDF)", 6.15, 23, "digital", None, ()),
    ),
    "quintadaserra": (
        ("AZEITE-5L", "Azeite virgem extra, 5 L", 38.40, 6, "physical", 80, ()),
        ("COMPOTA-01", "Compota de abóbora", 4.35, 23, "physical", 120, ()),
        ("VINHO-QS", "Vinho tinto da quinta", 7.15, 13, "physical", 90, ()),
        ("CESTO-01", "Cesto de vime", 21.99, 23, "physical", 15, ()),
        ("VISITA-01", "Visita à quinta", 10.00, 0, "digital", None, ()),
    ),
}


def profile(code: str, name: str, number: int, inclusive: bool, place: Json) -> Json:
    """Return the profile of a store, without its key and its secret."""
    return {
        "code": code,
        "name": name,
        "number": number,
        "currency": "EUR",
        "email": f"loja@{code}.example",
        "prices_include_tax": inclusive,
        "status_when_paid": "processing",
        "place": place,
        "first_order": (2 + number) * 1_000_000 + 5001,
    }


def profiles() -> list[Json]:
    """Return the profiles of the two stores that always exist."""
    sado = _place("Rua do Barro 15", "Setúbal", "2900-100", MAINLAND, "PRT", "PT")
    serra = _place("Estrada da Quinta 2", "Seia", "6270-100", MAINLAND, "PRT", "PT")
    return [
        profile("olariadosado", "Olaria do Sado", 1, True, sado),
        profile("quintadaserra", "Quinta da Serra", 2, False, serra),
    ]


def products(number: int, code: str) -> list[Json]:
    """Return the products of a new store; any store after the first two has those of the first."""
    made = []
    for at, row in enumerate(PRODUCTS.get(code, PRODUCTS["olariadosado"])):
        reference, title, price, rate, kind, stock, variants = row
        first = number * 100_000 + 41000 + at * 10
        options = [
            {"id": first + 300_000 + nth, "reference": ref, "title": name, "price": cost, "stock": pieces}
            for nth, (ref, name, cost, pieces) in enumerate(variants, 1)
        ]
        made.append(
            {
                "id": first,
                "title": title,
                "reference": reference,
                "price": price,
                "rate": rate,
                "type": kind,
                "status": 1,
                "stock_enabled": stock is not None,
                "stock": stock or 0,
                "options": options,
                "created_at": "2026-01-05T10:00:00+00:00",
                "updated_at": "2026-01-05T10:00:00+00:00",
            }
        )
    return made
