"""The setup check: compares the shop's taxes and the chosen series with the law and the provider's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from flask import g, url_for

from shopapp.connections.shop import platform_of, platform_without_store
from shopapp.fiscal import tax_tables
from shopapp.messages.formats import money, percent
from shopapp.messages.i18n import N_, gettext
from shopapp.messages.sentence import SETTINGS, SHOP, Sentence
from shopapp.messages.wording import kind_plural
from shopapp.models import Account, Store, db
from shopapp.models.account_settings import AccountSettings
from shopapp.models.provider_lists import ProviderLists
from shopapp.models.queries.thresholds import threshold_warnings
from shopapp.platforms.base import ShopTax

Severity = Literal["stop", "warn", "ok"]
STRUCTURED_FROM = date(2027, 1, 1)
"""From this day a public body takes no PDF from small businesses either (OE 2026, art. 80)."""
_SEVERITY_ORDER = {"stop": 0, "warn": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; `severity` says whether it will make documents fail, deserves a look, or is in order."""

    severity: Severity
    code: str
    detail: Mapping[str, Any] = field(default_factory=dict)


def check_setup(store: Store, account: Account, lists: ProviderLists, today: date) -> list[Finding]:
    """Return the findings, the worst first.

    Ends the transaction and asks the platform for its taxes. Raises AppError when that fails.
    """
    settings = account.chosen
    has_webhooks = store.hooks_checked_at is not None and not store.hooks_problem
    platform = platform_of(store)
    db.session.commit()
    account_rates = lists.rates
    found = [
        *check_tax_rates(platform.taxes(), account_rates, today),
        *check_series(settings, lists),
        Finding("ok", "hooks-listening") if has_webhooks else Finding("warn", "hooks-soon"),
    ]
    if not settings.exemption:
        found.append(Finding("warn", "exemption-none"))
    found += check_thresholds(store, settings, today)
    found.append(Finding("warn", "public-bodies" if today < STRUCTURED_FROM else "public-bodies-now"))
    return sorted(found, key=lambda finding: _SEVERITY_ORDER[finding.severity])


def check_thresholds(store: Store, settings: AccountSettings, today: date) -> list[Finding]:
    """Return the yearly limits of the law of which four fifths are reached."""
    return [
        Finding("warn", one.code, {"total": one.total, "limit": one.limit, "year": today.year})
        for one in threshold_warnings(store, settings, today)
    ]


def check_tax_rates(
    shop: Sequence[ShopTax] | None, account: Sequence[Decimal], today: date
) -> Iterable[Finding]:
    """Compare the shop's tax rates with the law's and the account's; nothing where the platform does not tell them."""
    if shop is None:
        return
    if not shop:
        yield Finding("warn", "taxes-none")
        return
    both: set[Decimal] = set()
    for rate, names in _tax_names_by_rate(shop).items():
        detail = {"rate": str(rate), "names": ", ".join(sorted(names))[:200]}
        if tax_tables.category_of_rate(rate, today) is None:
            yield Finding("stop", "rate-nowhere", detail)
        elif account and rate not in account:
            yield Finding("warn", "rate-not-in-account", detail)
        else:
            both.add(rate)
    if both:
        yield Finding("ok", "rates-agree", {"rates": [str(rate) for rate in sorted(both, reverse=True)]})
    for one in shop:
        if one.fixed:
            yield Finding("stop", "tax-fixed", {"names": one.name[:200]})


def _tax_names_by_rate(shop: Sequence[ShopTax]) -> dict[Decimal, set[str]]:
    """Return the names of the taxes that are charged in Portugal or everywhere, by rate."""
    found: dict[Decimal, set[str]] = {}
    for one in shop:
        if not one.fixed and one.rate > 0 and one.country.upper() in ("", "PT", "PORTUGAL"):
            found.setdefault(one.rate.normalize() + 0, set()).add(one.name)
    return found


def check_series(settings: AccountSettings, lists: ProviderLists) -> Iterable[Finding]:
    """Check whether each chosen series is still open for its kind."""
    for kind, code in settings.series.items():
        listed = lists.find_series(kind, code)
        is_open = listed is not None and listed.open
        if is_open or not lists.series:
            yield Finding("ok" if is_open else "warn", "series-open" if is_open else "series-unlisted",
                          {"series": code, "kind": kind})  # fmt: skip
        else:
            yield Finding("stop", "series-closed", {"series": code, "kind": kind})


# the findings in words

CHECK_SENTENCES: dict[str, Sentence] = {
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
    "distance-near": Sentence(
        N_("As vendas a consumidores de outros países da União estão perto do limite: %(total)s de %(limit)s."),
        N_("Contámos só os documentos que emitimos. Acima do limite o IVA é o do país do cliente: registe-se no OSS"
           " e diga-o nas escolhas (Lei 47/2020)."), N_("Rever as escolhas"), SETTINGS),
    "distance-passed": Sentence(
        N_("As vendas a consumidores de outros países da União passaram o limite: %(total)s, de %(limit)s."),
        N_("O IVA passa a ser o do país do cliente desde a venda que o passou. Registe-se no OSS, diga-o nas escolhas"
           " e fale com o contabilista (Lei 47/2020)."), N_("Rever as escolhas"), SETTINGS),
    "small-business-near": Sentence(
        N_("Este ano já faturou %(total)s de %(limit)s, o limite da isenção do artigo 53.º."),
        N_("Contámos só os documentos que emitimos. Quem o passa deixa de estar isento em janeiro; acima de"
           " 18 750 €, logo nessa venda (DL 35/2025).")),
    "small-business-passed": Sentence(
        N_("Este ano já faturou %(total)s: passou o limite da isenção do artigo 53.º, de %(limit)s."),
        N_("Em janeiro deixa de estar isento; acima de 18 750 €, logo nessa venda. Fale com o contabilista e mude o"
           " regime nas escolhas a tempo (DL 35/2025)."), N_("Rever as escolhas"), SETTINGS),
    "small-business-ended": Sentence(
        N_("Este ano já faturou %(total)s: acima de %(limit)s a isenção do artigo 53.º acaba."),
        N_("A venda que passou o limite já leva IVA. Fale com o contabilista e mude o regime nas escolhas"
           " (DL 35/2025)."), N_("Rever as escolhas"), SETTINGS),
    "public-bodies": Sentence(
        N_("Vende ao Estado, a câmaras ou a escolas públicas? Até 31/12/2026 um PDF conta como fatura eletrónica."),
        N_("A partir de 01/01/2027 têm de receber a fatura estruturada (CIUS-PT), também de pequenas empresas. Nós"
           " não a enviamos: confirme se o %(provider)s a envia (OE 2026, artigo 80.º).")),
    "public-bodies-now": Sentence(
        N_("O Estado, as câmaras e as escolas públicas só recebem faturas estruturadas (CIUS-PT) desde 01/01/2027."),
        N_("Nós não as enviamos: se vende a organismos públicos, envie-as pelo %(provider)s.")),
    "exemption-none": Sentence(
        N_("Não escolheu motivo de isenção por omissão."),
        N_("Está bem assim se todos os artigos têm IVA: um artigo a 0%% para a encomenda e pergunta-lhe.")),
}  # fmt: skip
_LEVEL_LABELS = {
    "stop": ("st-stop", N_("Vai falhar")),
    "warn": ("st-decide", N_("Atenção")),
    "ok": ("st-ok", N_("Em ordem")),
}


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding in words, ready to show."""

    state_class: str
    state_label: str
    cause: str
    remedy: str
    button: str
    button_url: str


def finding_row(finding: Finding, provider: str, shop_url: str) -> FindingRow:
    """Return the finding in words."""
    sentence = CHECK_SENTENCES[finding.code]
    facts = _facts(finding.detail, provider)
    state_class, state_label = _LEVEL_LABELS[finding.severity]
    pages = {SETTINGS: url_for("settings.edit"), SHOP: shop_url}
    return FindingRow(
        state_class,
        gettext(state_label),
        gettext(sentence.cause) % facts,
        gettext(sentence.remedy) % facts if sentence.remedy else "",
        gettext(sentence.button) if sentence.button else "",
        pages.get(sentence.remedy_page, ""),
    )


def _facts(detail: Mapping[str, Any], provider: str) -> dict[str, str]:
    facts = {"provider": provider}
    for name, value in detail.items():
        if name == "rate":
            facts["rate"] = percent(value)
        elif name in ("total", "limit"):
            facts[name] = money(value)
        elif name == "rates":
            facts["rates"] = ", ".join(percent(one) for one in value)
        elif name == "kind":
            facts["kinds"] = kind_plural(value)
        else:
            facts[name] = str(value)
    return facts


def check_headline(found: Sequence[Finding]) -> str:
    """Return a sentence with the number of things that will fail or deserve a look."""
    failing = sum(one.severity == "stop" for one in found)
    warnings = sum(one.severity == "warn" for one in found)
    if failing and warnings:
        return gettext("A falhar: %(failing)s. A merecer atenção: %(odd)s", failing=failing, odd=warnings)
    if failing:
        return (
            gettext("Uma coisa vai falhar")
            if failing == 1
            else gettext("%(num)s coisas vão falhar", num=failing)
        )
    if warnings:
        return (
            gettext("Uma coisa merece atenção")
            if warnings == 1
            else gettext("%(num)s coisas merecem atenção", num=warnings)
        )
    return gettext("Está tudo em ordem")


def shop_admin_url() -> str:
    """Return the address of the shop's admin; empty when the platform has none."""
    origins = platform_without_store(g.store.platform).admin_origins(g.store.code)
    return origins[0] if origins else ""
