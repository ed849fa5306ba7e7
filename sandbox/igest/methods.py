"""The methods of the wire: each takes the entity and the call, and gives the fields of a successful answer.

Called by the service after the access check. Methods that only exist in one position of a switch answer
"Método desconhecido" in the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import catalogue, issuing, paper, rates
from .asked import Refusal
from .asked import read as read_document
from .entities import Entity
from .ledger import Entry
from .office import Office
from .wire import Call, Fields

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REJECTED = ("falha@", "nobody@")


def verify(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """Who the keys belong to, and how the entity keeps its stock."""
    moves = {"always": "sim", "never": "nao"}.get(office.switches["stock-on-issue"], "")
    fields = [
        ("nome", entity.name),
        ("nif", entity.nif),
        ("regiao", entity.region),
        ("gere_armazens", "sim" if entity.by_warehouse else "nao"),
        ("movimenta_stock", moves),
    ]
    return [("entidade", fields)]


def list_exemptions(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    rows = [("isencao", [("codigo", code), ("descricao", text)]) for code, text in rates.EXEMPTIONS.items()]
    return [("isencoes", rows)]


def list_rates(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    regions = [entity.region]
    if office.switches["other-regions"] == "accepted":
        regions += [region for region in rates.REGIONS if region != entity.region]
    rows = [
        ("taxa", [("valor", rate), ("regiao", region), ("tipo", kind)])
        for region in regions
        for rate, kind in rates.REGIONS[region].items()
    ]
    return [("taxas", rows)]


def list_series(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The series that the key may use, closed ones included."""
    rows = [
        ("serie", [("codigo", code), ("tipo_documento", kind), ("ativa", "sim" if is_open else "nao")])
        for code, kind, is_open in office.series(entity)
        if code not in entity.forbidden and kind not in entity.forbidden
    ]
    return [("series", rows)]


def list_warehouses(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    rows = [
        (
            "armazem",
            [("codigo", place.code), ("nome", place.name), ("principal", "sim" if place.main else "nao")],
        )
        for place in entity.warehouses
    ]
    return [("armazens", rows)]


def new_document(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """The document just issued, with the totals that this side came to."""
    strict = office.switches["unknown-elements"] == "refused"
    asked = read_document(call.root.find("documento"), entity.region, strict)
    entry = issuing.issue(office, entity, asked, request)
    return [
        ("id_documento", str(entry["id"])),
        ("numero_documento", entry["number"]),
        ("data_documento", entry["date"]),
        ("total_documento", entry["totals"]["gross"]),
        ("total_iva", entry["totals"]["vat"]),
        ("atcud", entry["atcud"]),
        ("url_pdf", paper.address(office, entry)),
        ("hash_at", entry["hash"]),
    ]


def document_state(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    entry = _named(office, entity, call)
    return [
        ("numero_documento", entry["number"]),
        ("estado", office.books.state(entry)),
        ("total_documento", entry["totals"]["gross"]),
    ]


def find_document(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """Every document whose `observacoes` contain the words: a reference may be the beginning of another."""
    words = call.argument("referencia")
    if not words:
        raise Refusal("Campo obrigatório em falta: referencia")
    rows = [
        (
            "documento",
            [
                ("id_documento", str(entry["id"])),
                ("numero_documento", entry["number"]),
                ("total_documento", entry["totals"]["gross"]),
                ("observacoes", entry["observacoes"]),
            ],
        )
        for entry in office.books.mentioning(entity.number, words)
    ]
    return [("documentos", rows)]


def send_document(office: Office, entity: Entity, call: Call, request: int) -> Fields:
    """Nothing; the mail stands in the ledger. Refusal for an address that fails (falha@…, nobody@…)."""
    entry = _named(office, entity, call)
    to = call.argument("email")
    if not _EMAIL.fullmatch(to):
        raise Refusal(f"Endereço de e-mail inválido: {to}")
    if to.lower().startswith(REJECTED):
        raise Refusal(f"Não foi possível enviar para {to}.")
    office.write("mail", entity=entity.number, id=entry["id"], number=entry["number"], to=to, request=request)
    return []


def _named(office: Office, entity: Entity, call: Call) -> Entry:
    found = office.books.document(entity.number, call.argument("id_documento"))
    if found is None:
        raise Refusal(f"Documento desconhecido: {call.argument('id_documento')}")
    return found


Method = Callable[[Office, Entity, Call, int], Fields]

_ALWAYS: dict[str, Method] = {
    "verificar": verify,
    "listar_taxas": list_rates,
    "listar_series": list_series,
    "novo_documento": new_document,
    "enviar_documento": send_document,
}
_BY_SWITCH: dict[str, tuple[str, Method]] = {
    "listar_isencoes": ("exemption-list", list_exemptions),
    "listar_armazens": ("warehouse-list", list_warehouses),
    "estado_documento": ("document-state", document_state),
    "procurar_documento": ("search-by-reference", find_document),
    "procurar_artigos": ("article-search", catalogue.find_articles),
    "novo_artigo": ("article-creation", catalogue.new_article),
    "listar_stock": ("stock-list", catalogue.list_stock),
    "movimentar_stock": ("stock-movements", catalogue.move_stock),
    "listar_movimentos": ("movement-search", catalogue.list_movements),
}


def find(office: Office, name: str) -> Method:
    """The method of that name; Refusal when there is none, or its switch is off."""
    if name in _ALWAYS:
        return _ALWAYS[name]
    if name in _BY_SWITCH and office.switches[_BY_SWITCH[name][0]] == "on":
        return _BY_SWITCH[name][1]
    raise Refusal(f"Método desconhecido: {name}")
