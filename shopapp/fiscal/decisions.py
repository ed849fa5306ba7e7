"""What the merchant decided once, and the questions that the core asks where it needs such a decision.

A decision is known by its kind and its subject. Where an answer may be about one product or about all of them, the
question has several subjects, narrowest first, and the narrowest decision counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

from shopapp.errors import AppError, Question

from .order import OrderLine

DecisionKind = Literal[
    "tax-difference",
    "product-tax",
    "gift-card",
    "gift-card-use",
    "oss-rate",
    "exchange-rate",
    "buyer-country",
]
"""The charged rate is not the law's (subject `22>23`); the VAT category or exemption code of a product; how the sale of
a gift card is taxed; what a used gift card was; a reduced rate of another country; the exchange rate of a month; the
country of buyers whose order has no address.
"""
DECISION_KINDS: tuple[DecisionKind, ...] = get_args(DecisionKind)
ALL = "*"
"""The subject of an answer that is not about one product or one order."""

MAX_PRODUCT_LENGTH = 300

SomeError = TypeVar("SomeError", bound=AppError)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The merchant's decisions in force: the answers by kind and subject."""

    answers: Mapping[DecisionKind, Mapping[str, str]] = field(default_factory=dict)

    def find(self, kind: DecisionKind, *subjects: str) -> str:
        """Return the answer for the first of the subjects that has one; empty when the merchant was not asked."""
        known = self.answers.get(kind, {})
        return next((known[subject] for subject in subjects if subject in known), "")


def product_of(line: OrderLine) -> str:
    """Return what decisions call the product of a line: its SKU, else its description."""
    return (line.sku or line.description)[:MAX_PRODUCT_LENGTH]


def asking(
    error: SomeError, kind: DecisionKind, subjects: tuple[str, ...], answers: Mapping[str, str]
) -> SomeError:
    """Return the error with the question that the merchant must answer (`Question` says what the arguments are)."""
    error.question = Question(kind, subjects, dict(answers))
    return error
