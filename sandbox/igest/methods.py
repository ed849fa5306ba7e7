"""The methods of the API: each takes the entity and the call and returns the fields of a successful answer.

A method that a switch turns off is answered as an unknown method.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.core.ledger import Entry
from sandbox.core.portuguese_tax import EXEMPTIONS

from . import document_pdf, fiscal_tables, inventory_methods, issue
from .document_request import Refusal
from .document_request import read as read_document
from .entities import Entity
from .program_state import ProgramState
from .wire import Call, Fields

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REJECTED_RECIPIENTS = ("falha@", "nobody@")


def verify(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return the owner of the keys and how the entity manages its stock."""
    moves = {"always": "sim", "never": "nao"}.get(program.switches["stock-on-issue"], "")
    fields = [
        ("nome", entity.name),
        ("nif", entity.nif),
        ("regiao", entity.region),
        ("gere_armazens", "sim" if entity.by_warehouse else "nao"),
        ("movimenta_stock", moves),
    ]
    return [("entidade", fields)]


def list_exemptions(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    rows = [("isencao", [("codigo", code), ("descricao", text)]) for code, text in EXEMPTIONS.items()]
    return [("isencoes", rows)]


def list_rates(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    regions = [entity.region]
    if program.switches["other-regions"] == "accepted":
        regions += [region for region in fiscal_tables.REGION_RATES if region != entity.region]
    rows = [
        ("taxa", [("valor", rate), ("regiao", region), ("tipo", kind)])
        for region in regions
        for rate, kind in fiscal_tables.REGION_RATES[region].items()
    ]
    return [("taxas", rows)]


def list_series(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return the series that the key may use, closed ones included."""
    rows = [
        ("serie", [("codigo", code), ("tipo_documento", kind), ("ativa", "sim" if is_open else "nao")])
        for code, kind, is_open in program.series(entity)
        if code not in entity.forbidden and kind not in entity.forbidden
    ]
    return [("series", rows)]


def list_warehouses(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    rows = [
        (
            "armazem",
            [("codigo", place.code), ("nome", place.name), ("principal", "sim" if place.main else "nao")],
        )
        for place in entity.warehouses
    ]
    return [("armazens", rows)]


def new_document(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Issue the document and return it with the totals that iGEST calculated."""
    strict = program.switches["unknown-elements"] == "refused"
    requested = read_document(call.root.find("documento"), entity.region, strict)
    entry = issue.issue_document(program, entity, requested, request)
    return [
        ("id_documento", str(entry["id"])),
        ("numero_documento", entry["number"]),
        ("data_documento", entry["date"]),
        ("total_documento", entry["totals"]["gross"]),
        ("total_iva", entry["totals"]["vat"]),
        ("atcud", entry["atcud"]),
        ("url_pdf", document_pdf.pdf_url(program, entry)),
        ("hash_at", entry["hash"]),
    ]


def document_state(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    entry = _requested_document(program, entity, call)
    return [
        ("numero_documento", entry["number"]),
        ("estado", program.index.document_status(entry)),
        ("total_documento", entry["totals"]["gross"]),
    ]


def find_document(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Return every document whose `observacoes` contain the text: one reference may begin another."""
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
        for entry in program.index.documents_mentioning(entity.number, words)
    ]
    return [("documentos", rows)]


def send_document(program: ProgramState, entity: Entity, call: Call, request: int) -> Fields:
    """Write the e-mail to the ledger.

    Raises Refusal for an invalid address and for recipients that always fail (falha@..., nobody@...).
    """
    entry = _requested_document(program, entity, call)
    to = call.argument("email")
    if not _EMAIL.fullmatch(to):
        raise Refusal(f"Endereço de e-mail inválido: {to}")
    if to.lower().startswith(REJECTED_RECIPIENTS):
        raise Refusal(f"Não foi possível enviar para {to}.")
    program.write_entry(
        "mail", entity=entity.number, id=entry["id"], number=entry["number"], to=to, request=request
    )
    return []


def _requested_document(program: ProgramState, entity: Entity, call: Call) -> Entry:
    found = program.index.document(entity.number, call.argument("id_documento"))
    if found is None:
        raise Refusal(f"Documento desconhecido: {call.argument('id_documento')}")
    return found


Method = Callable[[ProgramState, Entity, Call, int], Fields]

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
    "procurar_artigos": ("article-search", inventory_methods.find_articles),
    "novo_artigo": ("article-creation", inventory_methods.new_article),
    "listar_stock": ("stock-list", inventory_methods.list_stock),
    "movimentar_stock": ("stock-movements", inventory_methods.move_stock),
    "listar_movimentos": ("movement-search", inventory_methods.list_movements),
}


def find_method(program: ProgramState, name: str) -> Method:
    """Return the method.

    Raises Refusal when it does not exist or its switch is off.
    """
    if name in _ALWAYS:
        return _ALWAYS[name]
    if name in _BY_SWITCH and program.switches[_BY_SWITCH[name][0]] == "on":
        return _BY_SWITCH[name][1]
    raise Refusal(f"Método desconhecido: {name}")
