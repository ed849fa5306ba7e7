"""Drafts for the suites of all providers: plausible amounts, invented people."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shopapp.fiscal.document import (
    Customer,
    DocumentKind,
    Draft,
    DraftLine,
    PaymentMeans,
    Reference,
    TaxGroup,
)
from shopapp.fiscal.party import Address
from shopapp.fiscal.tax_ids import FINAL_CONSUMER
from tests.contract.provider_account import TODAY

CENT = Decimal("0.01")
FINAL_CUSTOMER = Customer(FINAL_CONSUMER, "")
PERSON = Customer(
    "299900010", "Ana Exemplo", True, "PT", Address("Rua do Exemplo 1", "2900-001", "Setúbal", "PT")
)
COMPANY = Customer(
    "599900016", "Exemplo, Lda.", True, "PT", Address("Av. do Exemplo 2", "1000-001", "Lisboa", "PT")
)
FOREIGN_COMPANY = Customer(
    "B12345674", "Ejemplo SL", True, "ES", Address("Calle Ejemplo 3", "28001", "Madrid", "ES")
)


def line(
    price: str, rate: str = "23", *, quantity: str = "1", discount: str = "0", **changes: Any
) -> DraftLine:
    """Return one product line at that net price; net and gross are calculated here, without the fiscal core."""
    exact = Decimal(quantity) * Decimal(price) * (1 - Decimal(discount) / 100)
    net, gross = (
        amount.quantize(CENT, ROUND_HALF_UP) for amount in (exact, exact * (1 + Decimal(rate) / 100))
    )
    values: dict[str, Any] = {
        "ref": "1",
        "description": "Taça de barro",
        "quantity": Decimal(quantity),
        "unit_price_net": Decimal(price),
        "discount_percent": Decimal(discount),
        "region": "PT",
        "vat_rate": Decimal(rate),
        "tax_code": {"23": "NOR", "13": "INT", "6": "RED", "0": "ISE"}.get(rate, "OUT"),
        "net": net,
        "vat": gross - net,
        "gross": gross,
        "sku": "TAC-002",
    }
    return DraftLine(**{**values, **changes})


def exempt(price: str, code: str = "M07", mention: str = "Isento artigo 9.º do CIVA") -> DraftLine:
    """Return a line at rate zero with its exemption reason."""
    return line(
        price, "0", exemption_code=code, exemption_mention=mention, sku="OFI-001", description="Oficina"
    )


def draft(
    *lines: DraftLine, kind: DocumentKind = "FR", series: str = "", gross: str = "", **changes: Any
) -> Draft:
    """Return a draft of these lines (one of 12.30 when none is given), dated the day of the suite."""
    lines = lines or (line("10"),)
    total = Decimal(gross) if gross else sum((one.gross for one in lines), Decimal(0))
    net = sum((one.net for one in lines), Decimal(0))
    group = TaxGroup("PT", lines[0].vat_rate, lines[0].tax_code, net, total - net, total)
    made = Draft(
        kind=kind,
        date=TODAY,
        customer=FINAL_CUSTOMER,
        lines=lines,
        summary=(group,),
        net=net,
        vat=total - net,
        gross=total,
        series=series or f"2026{kind}",
        payments=(PaymentMeans("CC", total),) if kind == "FR" else (),
    )
    return replace(made, **changes)


def credit_of(number: str, original: Draft) -> Draft:
    """Return the credit note of a whole document."""
    return replace(
        original,
        kind="NC",
        series="2026NC",
        payments=(),
        references=(Reference(number, "Devolução"),),
    )
