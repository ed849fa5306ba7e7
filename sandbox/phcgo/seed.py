"""The initial installations: companies, series, plans, customers, articles.

All of it is invented; only the check digit of a NIF is valid.
"""

from __future__ import annotations

from typing import Any

from sandbox.core.portuguese_tax import EXEMPTIONS

from . import blank_records
from .wire import Row

VAT_RATES = ("6", "23", "13", "0", "22", "12", "4", "16", "9")
"""By table index, from 1: first the mainland's, as PHC GO is delivered with, then those of the islands."""
OSS_RATES = ("21", "20", "19", "25", "5.5")
COUNTRIES = {
    "PT": "Portugal", "ES": "Espanha", "FR": "França", "DE": "Alemanha", "IT": "Itália", "GB": "Reino Unido",
    "XI": "Irlanda do Norte", "US": "Estados Unidos da América", "BE": "Bélgica", "NL": "Países Baixos",
    "IE": "Irlanda", "LU": "Luxemburgo", "AT": "Áustria", "GR": "Grécia", "CH": "Suíça", "BR": "Brasil",
}  # fmt: skip


def _series(ndoc: int, name: str, kind: str, **flags: Any) -> Row:
    """Return an invoicing series; `serie` is the part of its legal numbers between year and slash."""
    return {
        "ndoc": ndoc, "nmdoc": name, "tiposaft": kind, "inactivo": False, "serie": f"S{ndoc}", "permiteRascunho": True,
        "assinaImprimir": False, "codigoValidacao": f"SBX{ndoc:05d}", "serieImportacao": False,
    } | flags  # fmt: skip


def _dossier_series(ndos: int, name: str, **flags: Any) -> Row:
    return {
        "ndos": ndos, "nmdos": name, "bdempresas": "CL", "inactivo": False, "permiteRascunho": True,
        "tsProducts": [{"productid": 1}],
    } | flags  # fmt: skip


def _article(ref: str, design: str, price: float, tabiva: int = 2, **more: Any) -> Row:
    return (
        blank_records.blank_article()
        | {"ref": ref, "design": design, "epv1": price, "tabiva": tabiva, "stock": 50}
        | more
    )


def _customer(no: int, nome: str, ncont: str, **more: Any) -> Row:
    return (
        blank_records.blank_customer() | {"no": no, "nome": nome, "ncont": ncont, "pais": "Portugal"} | more
    )


CONSUMER = _customer(1, "Consumidor final", "999999990", clivd=True)

OLARIA = {
    "name": "Olaria do Sado, Lda.", "nif": "599980125", "region": "PT",
    "address": ["Rua das Olarias 14", "2900-001", "Setúbal"], "new_customers": {"desconto": 5, "fin": 2},
    "series": [
        _series(12, "Fatura", "FT"),
        _series(31, "Fatura simplificada", "FS"),
        _series(47, "Fatura-recibo", "FR"),
        _series(58, "Nota de crédito", "NC"),
        _series(59, "Nota de débito", "ND"),
        _series(63, "Guia de transporte", "GT", assinaImprimir=True),
        _series(71, "Fatura proforma", "PF"),
        _series(80, "Fatura de balcão", "FT", permiteRascunho=False),
        _series(81, "Fatura recuperada", "FT", serieImportacao=True),
        _series(82, "Fatura antiga", "FT", inactivo=True),
        _series(83, "Fatura-recibo da feira", "FR", codigoValidacao=""),
        _series(84, "Fatura-recibo (assina ao imprimir)", "FR", assinaImprimir=True),
    ],
    "dossiers": [
        _dossier_series(4, "Encomenda de cliente"),
        _dossier_series(9, "Encomenda da loja", permiteRascunho=False),
        _dossier_series(15, "Encomenda a fornecedor", bdempresas="FL"),
    ],
    "customers": [
        CONSUMER,
        _customer(2, "Casa das Louças, Lda.", "510000010", email="compras@example.pt", desconto=10, fin=3),
        _customer(3, "Antigo Cliente", "", inactivo=True),
    ],
    "articles": [
        _article("AZU-014", "Azulejo pintado à mão 14×14", 10.0),
        _article("TAC-002", "Taça de barro vidrado", 18.5),
        _article("OFI-001", "Oficina de olaria (2 h)", 35.0, stns=True, stock=0),
    ],
    "warehouses": [[1, "Setúbal"], [2, "Feira de Estremoz"]], "layouts": ["Fatura A4", "Talão"],
}  # fmt: skip

OLARIA_2 = OLARIA | {
    "name": "Olaria do Sado Exportação, Lda.", "nif": "599990112", "new_customers": {},
    "series": [_series(1, "Fatura", "FT"), _series(2, "Fatura-recibo", "FR"), _series(3, "Nota de crédito", "NC")],
    "dossiers": [_dossier_series(1, "Encomenda de cliente")], "customers": [CONSUMER],
    "warehouses": [[1, "Sede"]],
}  # fmt: skip

QUINTA = OLARIA | {
    "name": "Quinta da Serra, Unipessoal Lda.", "nif": "599970340", "new_customers": {},
    "address": ["Estrada da Serra 3", "7300-002", "Portalegre"],
    "series": [
        _series(1, "Fatura", "FT", permiteRascunho=False),
        _series(2, "Fatura simplificada", "FS", permiteRascunho=False),
        _series(3, "Fatura-recibo", "FR", permiteRascunho=False),
        _series(4, "Nota de crédito", "NC", permiteRascunho=False),
    ],
    "dossiers": [], "customers": [CONSUMER], "warehouses": [[1, "Armazém"]],
    "articles": [
        _article("AZE-075", "Azeite virgem extra 0,75 l", 9.4, tabiva=1),
        _article("MEL-500", "Mel de rosmaninho 500 g", 6.2, tabiva=1),
    ],
}  # fmt: skip

ATLANTICO = OLARIA | {
    "name": "Atlântico Artes, Lda.", "nif": "599960418", "region": "PT-AC", "new_customers": {},
    "address": ["Canada do Mar 7", "9700-003", "Angra do Heroísmo"],
    "series": [
        _series(101, "Fatura", "FT", assinaImprimir=True),
        _series(102, "Fatura-recibo", "FR", assinaImprimir=True),
        _series(103, "Nota de crédito", "NC"),
    ],
    "dossiers": [_dossier_series(7, "Encomenda de cliente", permiteRascunho=False)], "customers": [CONSUMER],
    "articles": [_article("QUE-010", "Manta de tear", 60.0, tabiva=8)], "warehouses": [[3, "Angra"]], "layouts": [],
}  # fmt: skip

INSTALLATIONS: dict[str, dict[str, Any]] = {
    "a3f91c07": {
        "name": "Olaria do Sado", "plan": "Advanced", "allowance": 30000,
        "companies": {"OLARIA": OLARIA, "OLARIA2": OLARIA_2},
    },
    "5d20be84": {
        "name": "Quinta da Serra", "plan": "Grow", "allowance": 2000, "companies": {"QUINTA": QUINTA},
    },
    "0c77e1aa": {
        "name": "Atlântico Artes", "plan": "Corporate", "allowance": 10000, "companies": {"ATLANTICO": ATLANTICO},
    },
}  # fmt: skip


def initial_tables(company: dict[str, Any]) -> dict[str, list[Row]]:
    """Return the company's initial records by entity, without stamps."""
    places = [{"no": number, "nome": name} for number, name in company["warehouses"]]
    return {
        "Td": [dict(row) for row in company["series"]],
        "Ts": [dict(row) for row in company["dossiers"]],
        "Cl": [dict(row) for row in company["customers"]],
        "St": [dict(row) for row in company["articles"]],
        "Sz": places,
        "Sa": [
            {"ref": row["ref"], "armazem": place["no"], "stock": row["stock"] if place is places[0] else 0}
            for row in company["articles"]
            if not row["stns"]
            for place in places
        ],
        "E1": [{
            "estab": 0, "nomecomp": company["name"], "ncont": company["nif"], "moeda": "EUR",
            "morada": company["address"][0], "codpost": company["address"][1], "local": company["address"][2],
            "pais": "Portugal", "regiao": company["region"],
        }],
        "Country": [{"nome": name, "nomeabrv": code, "pncont": code} for code, name in COUNTRIES.items()],
        "Miseimp": [{"codmotiseimp": code, "motiseimp": text} for code, text in EXEMPTIONS.items()],
        "Taxasiva": [
            {"codigo": index, "taxa": float(rate), "desctiva": f"{rate}%"}
            for index, rate in enumerate((*VAT_RATES, *OSS_RATES), 1)
        ],
        "Layout": [
            {"repstamp": "", "descricao": name, "enabled": True, "isDefault": at == 0}
            for at, name in enumerate(company["layouts"])
        ],
        "Sl": [],
        "Ft": [],
        "Bo": [],
    }  # fmt: skip
