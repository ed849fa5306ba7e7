"""Compare an issued document with its draft, as far as the provider tells what it has printed.

`compare` finds the differences and, where it can, the reading that explains all of them: how the provider understood
our figures. `facts_to_prove` says what a document would prove about a provider whose reading is not confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, get_args

from .document import Draft, DraftLine, Issued, RoundingLevel
from .money import CENT, HUNDRED, ONE, ZERO, round_to_cents, sum_amounts
from .rounding import positions_by_tax_group, predict_total
from .tax_ids import FINAL_CONSUMER

DIFFERENCES = (
    "total-differs", "vat-differs", "rates-differ", "region-differs", "exemption-differs", "buyer-differs",
    "lines-differ",
)  # fmt: skip
"""Every kind of difference, gravest first."""
MONEY_DIFFERENCES = DIFFERENCES[:2]
STOPPING = DIFFERENCES[:3]
"""Differences of total or VAT: probably every further document would have them too."""

PRICES_WITH_VAT, TOTAL_WITHOUT_VAT, ROUNDING = "prices-with-vat", "total-without-vat", "rounding"
READINGS = (PRICES_WITH_VAT, TOTAL_WITHOUT_VAT, ROUNDING)
"""How the provider may have understood our figures: prices as prices with VAT; the stated total without VAT; cents
rounded elsewhere than we think."""
HARMLESS_READINGS = (TOTAL_WITHOUT_VAT, ROUNDING)
"""Readings that need no look at each document once the merchant has accepted them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: a code of DIFFERENCES, and the values of the draft and of the provider as text."""

    code: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the provider stated (`told`), what differs, and the reading that explains it; empty when none does."""

    told: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    reading: str = ""

    @property
    def gravest(self) -> Difference | None:
        """The difference that is shown as the document's alarm."""
        return min(self.differences, key=lambda one: DIFFERENCES.index(one.code), default=None)

    @property
    def is_systematic(self) -> bool:
        """Whether total or VAT differ, so that the next documents must be expected to differ as well."""
        return any(one.code in STOPPING for one in self.differences)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Comparison:
        """Read what `to_json` returned; a row without a comparison gives an empty one."""
        found = stored or {}
        return cls(
            tuple(found.get("told", ())),
            tuple(Difference(**one) for one in found.get("differences", ())),
            found.get("reading", ""),
        )


def compare(draft: Draft, issued: Issued) -> Comparison:
    """Compare what the provider stated of the document with what was sent."""
    checks = (_total, _vat, _rates, _region, _exemptions, _buyer, _line_count)
    told: list[str] = []
    differences: list[Difference] = []
    for check in checks:
        for name, difference in check(draft, issued):
            told.append(name)
            differences += [difference] if difference else []
    return Comparison(tuple(dict.fromkeys(told)), tuple(differences), _reading(draft, issued, differences))


Checked = Iterator[tuple[str, Difference | None]]


def _checked(name: str, code: str, ours: str, theirs: str) -> tuple[str, Difference | None]:
    return name, Difference(code, ours, theirs) if ours != theirs else None


def _total(draft: Draft, issued: Issued) -> Checked:
    if issued.total is not None:
        same = issued.total == draft.gross
        yield "total", None if same else Difference("total-differs", str(draft.gross), str(issued.total))


def _vat(draft: Draft, issued: Issued) -> Checked:
    if issued.vat is None:
        return
    # VAT that only rounding at another place explains is lawful while the total is right
    lawful = issued.vat == draft.vat or (
        issued.total == draft.gross and issued.vat in _vat_by_rounding(draft.lines)
    )
    yield "vat", None if lawful else Difference("vat-differs", str(draft.vat), str(issued.vat))


def _rates(draft: Draft, issued: Issued) -> Checked:
    if not issued.taxes:
        return
    ours = {_rate_text(group.vat_rate) for group in draft.summary}
    theirs = {_rate_text(tax.rate) for tax in issued.taxes}
    yield _checked("rates", "rates-differ", _joined(ours), _joined(theirs))
    if ours == theirs and all(tax.vat is not None for tax in issued.taxes):
        yield from _vat_by_rate(draft, issued)


def _vat_by_rate(draft: Draft, issued: Issued) -> Checked:
    """Compare the VAT of each rate; a cent a line is rounding, which the sum decides."""
    for rate in sorted({group.vat_rate for group in draft.summary}):
        ours = sum_amounts(group.vat for group in draft.summary if group.vat_rate == rate)
        theirs = sum_amounts(tax.vat or ZERO for tax in issued.taxes if tax.rate == rate)
        near = abs(ours - theirs) <= CENT * sum(line.vat_rate == rate for line in draft.lines)
        yield "rates", None if near else Difference("vat-differs", str(ours), str(theirs))


def _region(draft: Draft, issued: Issued) -> Checked:
    theirs = {tax.region for tax in issued.taxes if tax.region}
    if theirs:
        ours = {group.region for group in draft.summary}
        yield _checked("region", "region-differs", _joined(ours), _joined(theirs))


def _exemptions(draft: Draft, issued: Issued) -> Checked:
    untaxed = [tax.exemption_code for tax in issued.taxes if not tax.rate and tax.exemption_code is not None]
    if untaxed:
        ours = {group.exemption_code for group in draft.summary if not group.vat_rate}
        yield _checked("exemption", "exemption-differs", _joined(ours), _joined(set(untaxed)))


def _buyer(draft: Draft, issued: Issued) -> Checked:
    if issued.buyer_tax_id is not None:
        ours, theirs = _plain_tax_id(draft.customer.tax_id), _plain_tax_id(issued.buyer_tax_id)
        # the comparison is stored in the clear, so it keeps the ends of the numbers only
        same = ours == theirs
        yield "buyer", None if same else Difference("buyer-differs", _end_of(ours), _end_of(theirs))


def _end_of(number: str) -> str:
    return f"…{number[-3:]}" if number else ""


def _plain_tax_id(text: str) -> str:
    """Return the number without its prefix PT; empty for a final consumer."""
    plain = "".join(c for c in text.upper() if c.isalnum()).removeprefix("PT")
    return "" if plain == FINAL_CONSUMER else plain


def _line_count(draft: Draft, issued: Issued) -> Checked:
    if issued.line_count is not None:
        yield _checked("lines", "lines-differ", str(len(draft.lines)), str(issued.line_count))


def _rate_text(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _joined(words: set[str]) -> str:
    return ", ".join(sorted(words))


# the reading


def _reading(draft: Draft, issued: Issued, differences: list[Difference]) -> str:
    systematic = {one.code for one in differences} & set(STOPPING)
    if not systematic or "rates-differ" in systematic:
        return ""
    total, margin = issued.total, CENT * len(draft.lines)
    if total is None:
        return ""
    if abs(total - draft.gross) <= margin and (issued.vat is None or abs(issued.vat - draft.vat) <= margin):
        return ROUNDING
    if abs(total - draft.net) <= margin:
        return TOTAL_WITHOUT_VAT if issued.vat == draft.vat else PRICES_WITH_VAT
    return ""


def _vat_by_rounding(lines: tuple[DraftLine, ...]) -> set[Decimal]:
    """Return the VAT of the lines as rounding by line, by rate and once give it, from net prices and from gross."""
    groups = [[lines[at] for at in members] for members in positions_by_tax_group(lines).values()]
    return {
        sum_amounts(way(part) for part in parts)
        for parts in ([[line] for line in lines], groups, [list(lines)])
        for way in (_rounded_vat, _rest_of_rounded_net, _rest_of_gross)
    }


def _exact_net(line: DraftLine) -> Decimal:
    return line.quantity * line.unit_price_net * (ONE - line.discount_percent / HUNDRED)


def _rounded_vat(lines: list[DraftLine]) -> Decimal:
    return round_to_cents(sum_amounts(_exact_net(line) * line.vat_rate / HUNDRED for line in lines))


def _rest_of_rounded_net(lines: list[DraftLine]) -> Decimal:
    gross = round_to_cents(sum_amounts(_exact_net(line) * (ONE + line.vat_rate / HUNDRED) for line in lines))
    return gross - round_to_cents(sum_amounts(_exact_net(line) for line in lines))


def _rest_of_gross(lines: list[DraftLine]) -> Decimal:
    net = sum_amounts(line.gross / (ONE + line.vat_rate / HUNDRED) for line in lines)
    return sum_amounts(line.gross for line in lines) - round_to_cents(net)


# what a document would prove


def facts_to_prove(draft: Draft) -> frozenset[str]:
    """Return what the figures of this document would prove about the provider, once they are read back and agree.

    One fact is its kind and series; the others are, within these, each of its taxes, that it has a discount, and that
    its total depends on where the provider rounds. An order note is no fiscal document and proves nothing.
    """
    if draft.kind in ("NE", "PF"):
        return frozenset()
    scope = f"{draft.kind} {draft.series}".strip()
    taxes = {
        f"{group.region} {_rate_text(group.vat_rate)} {group.exemption_code}".strip()
        for group in draft.summary
    }
    traits = {"discount"} if any(line.discount_percent for line in draft.lines) else set()
    levels: tuple[RoundingLevel, ...] = get_args(RoundingLevel)
    if any(predict_total(draft.lines, level) != draft.gross for level in levels):
        traits.add("rounding")
    return frozenset({scope, *(f"{scope} {trait}" for trait in taxes | traits)})
