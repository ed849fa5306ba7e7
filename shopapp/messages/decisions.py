"""Decisions in words: the question that stops an order, its answers with their figures, and the list of those given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shopapp.errors import Question
from shopapp.fiscal import tax_tables
from shopapp.fiscal.comparison import PRICES_WITH_VAT, ROUNDING, TOTAL_WITHOUT_VAT
from shopapp.fiscal.decisions import ALL
from shopapp.fiscal.exchange import read_rate
from shopapp.messages.formats import country_name, money, percent, quantity, today
from shopapp.messages.i18n import N_, gettext

_TITLES = {
    "tax-difference": N_("Seguir a lei, com o mesmo total?"),
    "product-tax": N_("Este artigo leva IVA?"),
    "gift-card": N_("Que vale é este?"),
    "gift-card-use": N_("O que era o vale usado nesta encomenda?"),
    "oss-rate": N_("Que taxa leva este artigo em %(country)s?"),
    "exchange-rate": N_("A quanto está o euro?"),
    "buyer-country": N_("De que país são os clientes sem morada?"),
}
_EXPLANATIONS = {
    "tax-difference": N_(
        "A loja cobrou %(charged)s, que são %(vat_charged)s de IVA; a lei diz %(lawful)s."
        " O cliente não paga mais nem menos."
    ),
    "product-tax": N_(
        "A loja não cobrou IVA neste artigo. Diga se o artigo é isento para todos os clientes, ou se leva IVA e só"
        " faltou desta vez. O total não muda, e a resposta vale para este artigo em todas as encomendas."
    ),
    "gift-card": N_(
        "O IVA de um vale é devido quando se vende ou quando se usa, conforme aquilo para que serve."
    ),
    "gift-card-use": N_(
        "A encomenda foi paga em parte com um vale de %(amount)s, e a loja não diz se alguém o pagou."
    ),
    "oss-rate": N_(
        "«%(product)s» vai para outro país da União com uma taxa reduzida. O IVA é o desse país: diga qual das taxas"
        " dele se aplica. O total não muda."
    ),
    "exchange-rate": N_(
        "O documento sai em euros, ao câmbio de venda do primeiro dia útil do mês do pagamento. Confirme este"
        " critério com o seu contabilista. O câmbio e a fonte ficam escritos no documento."
    ),
    "buyer-country": N_(
        "Encomendas só de artigos digitais podem vir sem morada, e o IVA é o do país do cliente. Confirme com o seu"
        " contabilista que prova desse país guarda."
    ),
}
# by kind and answer: what the answer means, and what follows for this order; %(figure)s is its amount
_ANSWERS = {
    ("tax-difference", "follow-law"): (N_("Seguir a lei"), N_("IVA: %(figure)s, dentro do mesmo total")),
    ("product-tax", "normal"): (N_("Leva IVA à taxa normal"), N_("IVA: %(figure)s, dentro do mesmo total")),
    ("product-tax", "intermediate"): (N_("Leva IVA à taxa intermédia"), N_("IVA: %(figure)s, dentro do mesmo total")),
    ("product-tax", "reduced"): (N_("Leva IVA à taxa reduzida"), N_("IVA: %(figure)s, dentro do mesmo total")),
    ("gift-card", "multi-purpose"): (
        N_("Serve para artigos com taxas diferentes"), N_("IVA agora: %(figure)s. É cobrado quando o vale for usado")),
    ("gift-card", "single-purpose"): (
        N_("Só serve para artigos com a mesma taxa"), N_("IVA agora: %(figure)s. No uso nada mais se cobra")),
    ("gift-card-use", "multi-purpose"): (
        N_("Foi vendido sem IVA: é um meio de pagamento"), N_("Documento de %(figure)s, pago em parte com o vale")),
    ("gift-card-use", "single-purpose"): (
        N_("Foi vendido com IVA: já está faturado"), N_("Documento de %(figure)s, o que falta faturar")),
    ("gift-card-use", "given"): (
        N_("Foi oferecido, ninguém o pagou: é um desconto"), N_("Documento de %(figure)s, o que o cliente pagou")),
}  # fmt: skip
_SCOPES = {
    "tax-difference": (N_("Só em «%(product)s»"), N_("Em todos os artigos com esta diferença")),
    "product-tax": (N_("Em «%(product)s»"),),
    "gift-card": (N_("Só em «%(product)s»"), N_("Em todos os vales")),
    "gift-card-use": (N_("Só nesta encomenda"), N_("Em todas as encomendas pagas com vales")),
    "oss-rate": (
        N_("Só em «%(product)s», para este país"),
        N_("Em todos os artigos com a mesma taxa na loja, para este país"),
    ),
}
_ABOUT = {
    "tax-difference": N_("A loja cobra %(charged)s e a lei diz %(lawful)s"),
    "product-tax": N_("IVA do artigo"),
    "gift-card": N_("Venda de vales"),
    "gift-card-use": N_("Uso de vales"),
    "oss-rate": N_("Taxa reduzida em %(country)s"),
    "exchange-rate": N_("Câmbio"),
    "buyer-country": N_("País dos clientes sem morada"),
}


@dataclass(frozen=True, slots=True)
class AnswerText:
    """An answer to choose: what it means, and what follows for this order."""

    value: str
    label: str
    consequence: str


@dataclass(frozen=True, slots=True)
class QuestionText:
    """A question in the reader's language; `scopes` say what the answer may be about, narrowest first."""

    title: str
    explanation: str
    answers: tuple[AnswerText, ...]
    scopes: tuple[str, ...]
    kind: str
    subject: str
    """The narrowest subject."""


def question_text(question: Question, detail: Mapping[str, Any]) -> QuestionText:
    """Return the words of a question; `detail` are the facts of the error that asks it."""
    facts = {
        "product": str(detail.get("line", "")),
        "charged": percent(detail.get("charged")),
        "lawful": percent(detail.get("lawful")),
        "vat_charged": money(detail.get("vat_charged")),
        "amount": money(detail.get("amount")),
        "country": country_name(str(detail.get("country", ""))),
    }
    return QuestionText(
        gettext(_TITLES[question.kind]) % facts,
        gettext(_EXPLANATIONS[question.kind]) % facts,
        tuple(_answer_text(question.kind, value, figure) for value, figure in question.answers.items()),
        tuple(gettext(text) % facts for text in _SCOPES.get(question.kind, ())[: len(question.subjects)])
        if len(question.subjects) > 1
        else (),
        question.kind,
        question.subjects[0],
    )


def _answer_text(kind: str, value: str, figure: str) -> AnswerText:
    label, consequence = _ANSWERS.get((kind, value), ("", N_("IVA: %(figure)s")))
    return AnswerText(
        value,
        gettext(label) if label else answer_label(kind, value),
        gettext(consequence) % {"figure": money(Decimal(figure))},
    )


def answer_label(kind: str, value: str) -> str:
    """Return what an answer means, such as `Isento: M07, Isento artigo 9.º do CIVA`."""
    if (kind, value) in _ANSWERS:
        return gettext(_ANSWERS[kind, value][0])
    if kind == "product-tax":
        mention = tax_tables.exemption_mention(value, today())
        return gettext("Isento para todos: %(code)s, %(mention)s", code=value, mention=mention or "…")
    if kind == "exchange-rate":
        rate, source = read_rate(value)
        return gettext("1 EUR = %(rate)s (%(source)s)", rate=quantity(rate), source=source)
    if kind == "buyer-country":
        return country_name(value)
    return percent(value) if kind == "oss-rate" else value


def decision_subject(kind: str, subject: str) -> tuple[str, str]:
    """Return what a decision is about, and the product or order to which it is limited; empty for all."""
    facts, limit = {}, subject if subject != ALL else ""
    if kind == "tax-difference":
        cause, _, limit = subject.partition(" ")
        charged, _, lawful = cause.partition(">")
        facts = {"charged": percent(charged), "lawful": percent(lawful)}
    elif kind == "oss-rate":
        country, stated, *rest = subject.split(" ", 2)
        limit = " ".join(rest) or gettext("Artigos a %(rate)s na loja", rate=percent(stated) or stated)
        facts = {"country": country_name(country)}
    return gettext(_ABOUT[kind]) % facts, limit


_READINGS = {
    PRICES_WITH_VAT: N_("O %(provider)s lê os nossos preços como preços com IVA, e está certo"),
    TOTAL_WITHOUT_VAT: N_("O total que o %(provider)s indica é sem IVA, e está certo"),
    ROUNDING: N_("O %(provider)s arredonda os cêntimos noutro sítio, e está certo"),
}


def reading_label(reading: str, provider: str) -> str:
    """Return what the merchant declared right: how the provider reads our figures."""
    return gettext(_READINGS[reading], provider=provider) if reading in _READINGS else reading
