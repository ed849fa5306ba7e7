"""What is left of an issued invoice, line by line: pieces that may still come back, and money not given back yet.

Pieces and money are separate measures: a price reduction takes money and no pieces, and pieces may come back for less
than their price (CIVA art. 78 n.º 2). Neither is ever more than the invoice's (Despacho 8632/2014, 3.2.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from .document import REDUCTION, UNSTOCKED, Customer, DocumentKind, DraftLine
from .money import HUNDRED, ONE, ZERO, allocate, round_to_cents, sum_amounts
from .rounding import TaxGroupKey, positions_by_tax_group, tax_group_key
from .tax_tables import OUTSIDE_TAXABLE_AMOUNT

REDUCTION_PREFIX = "Redução de preço: "
MAX_DESCRIPTION_LENGTH = 200
"""The length of SAF-T's field for the description of a line."""


@dataclass(frozen=True, slots=True)
class OriginalDocument:
    """The issued document to correct, and what earlier credit notes took back of it."""

    number: str
    kind: DocumentKind
    customer: Customer
    lines: tuple[DraftLine, ...]
    credited: tuple[DraftLine, ...] = ()
    """The lines of all earlier credit notes, each with the `ref` of the line that it corrects."""
    credited_gross: Decimal | None = None
    """The total of earlier credit notes, for when their lines are not known (only the fiscal cases use this)."""


@dataclass(slots=True)
class CreditableLine:
    """What is left of one line of the invoice; the parts into which rounding split it (`ref~1`) are one line here."""

    parts: list[DraftLine]
    """As they were issued."""
    left: list[Decimal]
    """The pieces of each part that have not come back."""
    gross: Decimal
    """The money that was not given back."""
    net: Decimal

    @property
    def ref(self) -> str:
        """The `ref` by which the line is requested."""
        return self.parts[0].ref

    @property
    def description(self) -> str:
        """The line's text on the invoice."""
        return self.parts[0].description

    @property
    def quantity(self) -> Decimal:
        """The pieces that have not come back."""
        return sum_amounts(self.left)

    @property
    def is_only_collected(self) -> bool:
        """Whether the line is a gift card, or outside the taxable amount as a deposit or a donation is."""
        line = self.parts[0]
        return line.kind == "giftcard" or line.exemption_code in OUTSIDE_TAXABLE_AMOUNT

    @property
    def is_sold_whole(self) -> bool:
        """Whether the line was sold in whole pieces."""
        return all(part.quantity == part.quantity.to_integral_value() for part in self.parts)

    @property
    def is_untouched(self) -> bool:
        """Whether no earlier note took anything of it."""
        return self.left == [part.quantity for part in self.parts] and self.gross == self._issued_gross

    @property
    def _issued_gross(self) -> Decimal:
        return sum_amounts(part.gross for part in self.parts)

    def price_of(self, quantity: Decimal) -> Decimal:
        """Return what these pieces still cost: never more than on the invoice, less after a price reduction.

        All pieces together cost what was paid for them, however often they are returned one by one.
        """
        issued = sum_amounts(part.quantity for part in self.parts)
        if not issued:
            return ZERO
        returned = issued - self.quantity

        def price_of_first(pieces: Decimal) -> Decimal:
            return round_to_cents(self._issued_gross * pieces / issued)

        if self.gross < self._issued_gross - price_of_first(returned):
            return round_to_cents(self.gross * quantity / self.quantity)
        return price_of_first(returned + quantity) - price_of_first(returned)

    def take(self, quantity: Decimal, gross: Decimal, restocked: bool = True) -> list[DraftLine]:
        """Take pieces and money, and return them as lines of a credit note, with their nets not adjusted yet.

        Money beyond the price of the pieces is a price reduction: a line of its own, that names no article.
        """
        if self.is_untouched and (quantity, gross) == (self.quantity, self.gross):
            taken = [part for part in self.parts if part.quantity]
        else:
            taken = self._returned_parts(quantity, min(gross, self.price_of(quantity)))
        if not restocked:
            taken = [_without_stock(line) for line in taken]
        reduction = gross - sum_amounts(line.gross for line in taken)
        if reduction:
            taken.append(_reduction_line(self.parts[0], reduction))
        self.gross -= gross
        self._take_pieces(quantity)
        return taken

    def _returned_parts(self, quantity: Decimal, gross: Decimal) -> list[DraftLine]:
        pieces = self._split(quantity)
        return [
            _partial_line(part, count, share)
            for part, count, share in zip(self.parts, pieces, allocate(gross, pieces), strict=True)
            if count
        ]

    def _split(self, quantity: Decimal) -> list[Decimal]:
        """Return how many of these pieces belong to each part."""
        counts = []
        for left in self.left:
            counts.append(min(left, quantity))
            quantity -= counts[-1]
        return counts

    def _take_pieces(self, quantity: Decimal) -> None:
        counts = self._split(quantity)
        self.left = [left - count for left, count in zip(self.left, counts, strict=True)]


def _partial_line(line: DraftLine, quantity: Decimal, gross: Decimal) -> DraftLine:
    net = min(round_to_cents(gross / (ONE + line.vat_rate / HUNDRED)), gross)
    return replace(line, quantity=quantity, gross=gross, net=net, vat=gross - net)


def _reduction_line(line: DraftLine, gross: Decimal) -> DraftLine:
    name = (REDUCTION_PREFIX + line.description)[:MAX_DESCRIPTION_LENGTH].rstrip()
    reduced = replace(line, kind=REDUCTION, sku="", article="", description=name)
    return _partial_line(reduced, ONE, gross)


def _without_stock(line: DraftLine) -> DraftLine:
    """Return the line without its article, so that no provider puts the pieces back into stock."""
    return replace(line, kind=UNSTOCKED, sku="", article="") if line.kind == "goods" else line


def remaining_lines(original: OriginalDocument) -> list[CreditableLine]:
    """Return the lines of the original in their order, each less what earlier notes took back of it."""
    lines = _join_split_lines(original.lines)
    for credited in original.credited:
        _subtract(lines, credited)
    for line in lines:
        if line.is_sold_whole:
            # Notes of earlier releases credited an amount as a fraction of a piece: the rest of it is only money.
            line.left = [pieces.to_integral_value(ROUND_DOWN) for pieces in line.left]
    for members, net in _net_left_by_group(lines, original).values():
        nets = adjust_nets([line.net for line in members], [line.gross for line in members], net)
        for line, adjusted in zip(members, nets, strict=True):
            line.net = adjusted
    return lines


def _join_split_lines(issued: Sequence[DraftLine]) -> list[CreditableLine]:
    lines: list[CreditableLine] = []
    for part in issued:
        line = _line_named(lines, part)
        if line is None:
            lines.append(CreditableLine([part], [part.quantity], part.gross, part.net))
        else:
            line.parts.append(part)
            line.left.append(part.quantity)
            line.gross += part.gross
            line.net += part.net
    return lines


def _line_named(lines: Sequence[CreditableLine], part: DraftLine) -> CreditableLine | None:
    """Return the line to which the part belongs: by its ref, else by the ref from which rounding split it off."""
    for ref in _refs_of(part):
        for line in lines:
            if tax_group_key(line.parts[0]) == tax_group_key(part) and any(
                ref == own.ref for own in line.parts
            ):
                return line
    return None


def _refs_of(part: DraftLine) -> Iterator[str]:
    ref = part.ref
    while ref:
        yield ref
        ref = ref.rpartition("~")[0]


def _subtract(lines: Sequence[CreditableLine], credited: DraftLine) -> None:
    """Subtract a line of an earlier note: its pieces from its own line, its money from others too where that has less.

    The pieces leave the part of the same ref first.
    """
    own = _line_named(lines, credited)
    if own is not None and credited.kind != REDUCTION:
        pieces = credited.quantity
        for at in sorted(range(len(own.parts)), key=lambda at: own.parts[at].ref != credited.ref):
            taken = min(own.left[at], pieces)
            own.left[at] -= taken
            pieces -= taken
    same_tax = [line for line in lines if tax_group_key(line.parts[0]) == tax_group_key(credited)]
    gross, net = credited.gross, credited.net
    for line in sorted(same_tax, key=lambda line: line is not own):
        taken = min(line.gross, gross)
        line.gross -= taken
        gross -= taken
        line.net -= min(net, taken)
        net -= min(net, taken)


def _net_left_by_group(
    lines: Sequence[CreditableLine], original: OriginalDocument
) -> dict[TaxGroupKey, tuple[list[CreditableLine], Decimal]]:
    groups: dict[TaxGroupKey, tuple[list[CreditableLine], Decimal]] = {}
    for key, members in positions_by_tax_group([line.parts[0] for line in lines]).items():
        issued = sum_amounts(part.net for at in members for part in lines[at].parts)
        credited = sum_amounts(line.net for line in original.credited if tax_group_key(line) == key)
        groups[key] = ([lines[at] for at in members], issued - credited)
    return groups


def adjust_nets(nets: Sequence[Decimal], grosses: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """Move cents between net and VAT until the nets add up to `total`; each stays between zero and its gross."""
    adjusted = [min(max(net, ZERO), gross) for net, gross in zip(nets, grosses, strict=True)]
    for at, gross in enumerate(grosses):
        excess = sum_amounts(adjusted) - total
        adjusted[at] = min(max(adjusted[at] - excess, ZERO), gross)
    return adjusted
