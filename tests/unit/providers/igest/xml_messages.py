"""Answers of iGEST, and an HTTP client that gives scripted answers, for tests of the adapter alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shopapp.fiscal.document import Customer, Draft, DraftLine, PaymentMeans, Reference
from shopapp.fiscal.party import Address
from shopapp.http_client import HttpClient, HttpResponse, check_status
from shopapp.providers.igest import IGest

KEY, CODE = "ab" * 20, "cd" * 20
CREDENTIALS = {"entity": "40321", "nif": "509999999", "key": KEY, "code": CODE}
URL = "https://igest.example/webservice.php"
NOW = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC)
GOOD = """<id_documento>7</id_documento><numero_documento>FR 2026FR/12</numero_documento>
<data_documento>2026-11-20</data_documento><total_documento>24.60</total_documento><total_iva>4.60</total_iva>
<atcud>ABCD1234-12</atcud><url_pdf>https://igest.example/7.pdf</url_pdf><hash_at>h=</hash_at>"""
ENTITY = """<entidade><nome>Olaria do Sado, Lda.</nome><nif>509999999</nif><regiao>PT</regiao>
<gere_armazens>sim</gere_armazens><movimenta_stock></movimenta_stock></entidade>"""


class ScriptedWire(HttpClient):
    """A client that gives the scripted answers in order; `calls` are the reads and writes made through it."""

    def __init__(self, *answers: HttpResponse | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def read(self, method: str, url: str, **content: Any) -> HttpResponse:
        return check_status(self._next("read", url, content), writes=False)

    def write(self, method: str, url: str, **content: Any) -> HttpResponse:
        return check_status(self._next("write", url, content), writes=True)

    def _next(self, verb: str, url: str, content: dict[str, Any]) -> HttpResponse:
        self.calls.append((verb, url, content))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def bodies(self) -> list[bytes]:
        return [content["data"] for _, _, content in self.calls if "data" in content]


def open_adapter(
    *answers: HttpResponse | Exception, now: Callable[[], datetime] = lambda: NOW, **credentials: str
) -> tuple[IGest, ScriptedWire]:
    """Return the adapter on scripted answers, and its client."""
    wire = ScriptedWire(*answers)
    return IGest({**CREDENTIALS, **credentials}, wire, URL, now), wire


def output(status: str, inside: str = "", message: str = "") -> bytes:
    """Return an answer in the form that iGEST is believed to use."""
    text = f"<output><status>{status}</status><mensagem_erro>{message}</mensagem_erro>{inside}</output>"
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>{text}'.encode("iso-8859-1", "xmlcharrefreplace")


def ok(body: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {}, body)


def success(inside: str = "") -> HttpResponse:
    return ok(output("sucesso", inside))


def refusal(message: str, inside: str = "") -> HttpResponse:
    return ok(output("erro", inside, message))


def make_line(**changes: Any) -> DraftLine:
    values: dict[str, Any] = {
        "ref": "1",
        "description": "Taça",
        "quantity": Decimal(2),
        "unit_price_net": Decimal("10.000000"),
        "discount_percent": Decimal("0.000000"),
        "region": "PT",
        "vat_rate": Decimal(23),
        "tax_code": "NOR",
        "net": Decimal("20.00"),
        "vat": Decimal("4.60"),
        "gross": Decimal("24.60"),
        "sku": "TAC-002",
    }
    return DraftLine(**{**values, **changes})


def make_draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "kind": "FR",
        "date": date(2026, 11, 20),
        "customer": Customer(
            "509999999", "Ana Sá", True, "PT", Address("Rua A 1", "2900-001", "Setúbal", "PT")
        ),
        "lines": (make_line(),),
        "summary": (),
        "net": Decimal("20.00"),
        "vat": Decimal("4.60"),
        "gross": Decimal("24.60"),
        "series": "2026FR",
        "payments": (PaymentMeans("MB", Decimal("24.60")),),
    }
    return Draft(**{**values, **changes})


def credit(**changes: Any) -> Draft:
    values = {"kind": "NC", "series": "2026NC", "references": (Reference("FR 2026FR/12", "Devolução"),)}
    return make_draft(**{**values, **changes})
