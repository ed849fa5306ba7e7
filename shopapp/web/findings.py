"""The words of the small check: what was found, what to do about it, and the sentence that heads the page.

Called by `setup`. A finding is a code with facts (`checking`); its level is the mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, url_for

from shopapp import connect
from shopapp.checking import Finding
from shopapp.web.formats import percent
from shopapp.web.sentences import N_, SETTINGS, Sentence
from shopapp.web.tongue import gettext
from shopapp.web.wording import kinds_word

SHOP = "shop"
SENTENCES: dict[str, Sentence] = {
    "rate-nowhere": Sentence(
        N_("A loja cobra IVA a %(rate)s, uma taxa que não existe em Portugal."),
        N_("Imposto: %(names)s. As encomendas com esta taxa ficam bloqueadas: corrija-a nos impostos da loja."),
        N_("Abrir a loja"), SHOP),
    "rate-not-in-account": Sentence(
        N_("A loja cobra IVA a %(rate)s, mas a conta do %(provider)s não tem essa taxa."),
        N_("Imposto: %(names)s. Confirme se vende com esta taxa; se sim, crie-a no %(provider)s.")),
    "rates-agree": Sentence(N_("As taxas de %(rates)s existem dos dois lados.")),
    "tax-fixed": Sentence(
        N_("O imposto «%(names)s» é um valor fixo, não uma percentagem."),
        N_("Não há IVA de valor fixo: as encomendas com ele ficam bloqueadas."), N_("Abrir a loja"), SHOP),
    "taxes-none": Sentence(
        N_("A loja não tem nenhum imposto configurado."),
        N_("Sem imposto, todos os artigos saem a 0%% e precisam de motivo de isenção."), N_("Abrir a loja"), SHOP),
    "series-open": Sentence(N_("A série %(series)s está aberta para %(kinds)s.")),
    "series-unlisted": Sentence(
        N_("Não conseguimos confirmar se a série %(series)s está aberta."), N_("Confirme-a no %(provider)s.")),
    "series-closed": Sentence(
        N_("A série %(series)s não está aberta para %(kinds)s."), N_("Escolha outra; até lá nada sai com ela."),
        N_("Escolher série"), SETTINGS),
    "hooks-listening": Sentence(N_("A loja avisa-nos quando uma encomenda é paga ou cancelada.")),
    "hooks-soon": Sentence(
        N_("Os avisos da loja ainda se estão a ligar."), N_("Fica pronto em segundos. Entretanto procuramos nós.")),
    "exemption-none": Sentence(
        N_("Não escolheu motivo de isenção por omissão."),
        N_("Está bem assim se todos os artigos têm IVA: um artigo a 0%% para a encomenda e pergunta-lhe.")),
}  # fmt: skip
_MARKS = {
    "stop": ("st-stop", N_("Vai falhar")),
    "warn": ("st-decide", N_("Atenção")),
    "ok": ("st-ok", N_("Em ordem")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One finding in words."""

    mark: str
    word: str
    cause: str
    remedy: str
    button: str
    address: str


def finding_told(finding: Finding, provider: str, shop_url: str) -> Told:
    """The finding in words."""
    sentence = SENTENCES[finding.code]
    facts = _facts(finding.detail, provider)
    mark, word = _MARKS[finding.level]
    pages = {SETTINGS: url_for("choosing.choices"), SHOP: shop_url}
    return Told(
        mark,
        gettext(word),
        gettext(sentence.cause) % facts,
        gettext(sentence.remedy) % facts if sentence.remedy else "",
        gettext(sentence.button) if sentence.button else "",
        pages.get(sentence.where, ""),
    )


def _facts(detail: Mapping[str, Any], provider: str) -> dict[str, str]:
    facts = {"provider": provider}
    for name, value in detail.items():
        if name == "rate":
            facts["rate"] = percent(value)
        elif name == "rates":
            facts["rates"] = ", ".join(percent(one) for one in value)
        elif name == "kind":
            facts["kinds"] = kinds_word(value)
        else:
            facts[name] = str(value)
    return facts


def check_headline(found: Sequence[Finding]) -> str:
    """How many things will fail or deserve a look, as a sentence."""
    failing = sum(one.level == "stop" for one in found)
    odd = sum(one.level == "warn" for one in found)
    if failing and odd:
        return gettext("A falhar: %(failing)s. A merecer atenção: %(odd)s", failing=failing, odd=odd)
    if failing:
        return (
            gettext("Uma coisa vai falhar")
            if failing == 1
            else gettext("%(num)s coisas vão falhar", num=failing)
        )
    if odd:
        return (
            gettext("Uma coisa merece atenção")
            if odd == 1
            else gettext("%(num)s coisas merecem atenção", num=odd)
        )
    return gettext("Está tudo em ordem")


def shop_address() -> str:
    """The first address of the shop's own admin."""
    origins = connect.platform(g.store.platform).admin_origins(g.store.code)
    return origins[0] if origins else ""
