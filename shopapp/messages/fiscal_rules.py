"""The fiscal rules that decided a document, each as one sentence with its source.

The names are those that `fiscal` records on a draft; a test finds any without a sentence. The sources are those of
docs/fiscal.md; names of laws are not translated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shopapp.messages.i18n import N_, gettext

RULES: dict[str, tuple[str, str]] = {
    "VAT1": (N_("IVA à taxa do local de onde a encomenda sai."), "CIVA art. 6.º n.º 1; DL 347/85 art. 1.º n.º 3"),
    "VAT3": (
        N_("Um serviço é taxado onde está a empresa que o compra; vendido a um particular, onde está quem vende."),
        "CIVA art. 6.º n.º 6"),
    "VAT4": (N_("Portes e taxas de pagamento seguem o IVA dos artigos."), "CIVA art. 16.º n.º 5 b)"),
    "VAT6": (
        N_("Com artigos a várias taxas, os portes repartem-se como na loja, ou na proporção do valor dos artigos."),
        ""),
    "VAT7": (
        N_("Vários artigos vendidos como um só produto levam a taxa mais alta de todos."), "CIVA art. 18.º n.º 4 a)"),
    "VAT8": (
        N_("Bens em segunda mão, arte, antiguidades e viagens vendidos pela margem são taxados aqui, e só na margem."),
        "DL 199/96; DL 221/85"),
    "EU1": (
        N_("Venda a um particular noutro país da União, abaixo do limite: o IVA é o do local de onde sai."),
        "Lei 47/2020"),
    "EU2": (
        N_("Venda a um particular noutro país da União, acima do limite ou por opção: o IVA é o do país de destino."),
        "Lei 47/2020 (OSS)"),
    "EU3": (
        N_("Empresa de outro país da União com número de IVA válido: a venda é isenta, com o motivo M16."),
        "RITI art. 14.º"),
    "EU4": (
        N_("O VIES não reconhece o número de IVA: fica fora do documento e a venda leva IVA."), "RITI art. 14.º"),
    "EU5": (N_("Enquanto o VIES não responde, nada se isenta."), "RITI art. 14.º"),
    "EU6": (
        N_("Serviço a uma empresa de outro país: o IVA é devido por quem compra, com o motivo M40."),
        "CIVA art. 6.º n.º 6 a)"),
    "EX1": (
        N_("Os artigos saem do território do IVA da União: a venda é isenta, com o motivo M05."), "CIVA art. 14.º"),
    "EX2": (
        N_("O destino é um território com regras de IVA próprias, diferentes das do país a que pertence."),
        "Diretiva 2006/112/CE art. 6.º e 7.º"),
    "EX3": (
        N_("Serviço a um particular fora da União: é taxado onde ele vive, e sai com o motivo M44."),
        "CIVA art. 6.º n.º 9 e 10"),
    "EXM1": (N_("Está no regime de isenção: a venda sai sem IVA, com o motivo M10."), "CIVA art. 53.º"),
    "VOU1": (N_("Um vale-oferta de finalidade múltipla vende-se sem IVA; paga-o quando é usado."), "Lei 71/2018"),
    "VOU2": (N_("Um vale-oferta usado é um meio de pagamento, não um desconto."), "Lei 71/2018"),
    "VOU3": (
        N_("Um vale-oferta de finalidade única paga IVA quando se vende; quando é usado nada mais se cobra."),
        "CIVA art. 7.º n.º 13; Lei 71/2018"),
    "VOU4": (N_("Um vale que ninguém pagou é um desconto."), "CIVA art. 16.º n.º 6 b)"),
    "DOC1": (
        N_("Encomenda paga leva fatura-recibo, ou o tipo que escolheu; entregue por pagar, leva fatura."),
        "CIVA art. 29.º e 36.º"),
    "DOC2": (
        N_("Fatura simplificada só até 1000 € no retalho a particulares e até 100 € no resto."), "CIVA art. 40.º"),
    "DOC3": (N_("Por pagar e por entregar não há documento a emitir."), "CIVA art. 29.º e 36.º"),
    "DOC4": (N_("Uma venda para fora nunca leva fatura simplificada."), "CIVA art. 40.º"),
    "DATE1": (N_("Uma encomenda paga leva documento no dia em que o pagamento é recebido."), "CIVA art. 36.º n.º 1 c)"),
    "DATE2": (N_("Sem pagamento, o documento sai até ao quinto dia útil após a entrega."), "CIVA art. 36.º n.º 1 a)"),
    "DATE3": (
        N_("O documento leva a data em que é emitido; o dia do pagamento, se for outro, fica escrito nele."),
        "CIVA art. 36.º n.º 5 f)"),
    "ID1": (N_("Sem NIF do cliente, o documento é para consumidor final."), "CIVA art. 36.º n.º 5"),
    "ID2": (N_("O NIF que o cliente deu fica no documento."), "CIVA art. 36.º n.º 5"),
    "ID3": (N_("A partir de 1000 € o documento leva o nome e a morada do cliente."), "CIVA art. 36.º n.º 15"),
    "ID4": (N_("A uma empresa vão sempre o nome e a morada."), "CIVA art. 36.º n.º 5 a)"),
    "ID5": (N_("Um NIF que não confere não se imprime nem se deixa cair: paramos."), ""),
    "NUM1": (N_("O total é o que o cliente pagou, ao cêntimo."), ""),
    "NUM2": (N_("O IVA calcula-se uma vez por taxa, sobre a soma das linhas."), "CIVA art. 49.º"),
    "NUM3": (N_("O IVA arredonda-se linha a linha, como a loja fez."), "CIVA art. 49.º"),
    "DIS1": (N_("Um desconto fica dentro da sua linha; nenhuma linha é negativa."), "Despacho 8632/2014"),
    "DIS2": (
        N_("Um cupão reparte-se pelas linhas na proporção do seu valor; não conta para o IVA."),
        "CIVA art. 16.º n.º 6 b)"),
    "DIS3": (N_("Portes oferecidos não têm linha."), "CIVA art. 16.º n.º 6 b)"),
    "CUR1": (N_("O total pago noutra moeda converte-se uma vez para euros, ao câmbio da encomenda."), "SAF-T (PT)"),
    "NC1": (N_("O que muda numa fatura emitida corrige-se com um documento que a nomeia."), "CIVA art. 29.º n.º 7"),
    "NC2": (N_("A nota de crédito leva as taxas e os preços da fatura que corrige."), "CIVA art. 78.º"),
    "NC3": (N_("Nunca se credita mais do que falta creditar."), "CIVA art. 78.º"),
    "NC4": (N_("Os valores da nota são positivos; o tipo do documento faz deles um crédito."), "SAF-T (PT)"),
    "NC5": (N_("O cliente é o mesmo da fatura."), "CIVA art. 36.º n.º 6"),
    "NC8": (
        N_("Dinheiro devolvido sem artigos baixa o preço; as quantidades ficam como estão."), "CIVA art. 78.º n.º 2"),
}  # fmt: skip


SUBJECTS: dict[str, str] = {
    "VAT": N_("IVA"), "EU": N_("IVA"), "EX": N_("IVA"), "EXM": N_("IVA"), "VOU": N_("Vales"), "DOC": N_("Tipo"),
    "DATE": N_("Data"), "ID": N_("Cliente"), "NUM": N_("Cálculo"), "CUR": N_("Cálculo"), "DIS": N_("Descontos"),
    "NC": N_("Crédito"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in words; `source` is empty when the rule is ours and not the law's."""

    name: str
    text: str
    source: str


def rules_by_subject(names: Iterable[str]) -> dict[str, list[Rule]]:
    """Return the named rules in words, grouped by subject; an unknown name is left out."""
    found: dict[str, list[Rule]] = {}
    for name in names:
        if name in RULES:
            text, source = RULES[name]
            subject = gettext(SUBJECTS[name.rstrip("0123456789")])
            found.setdefault(subject, []).append(Rule(name, gettext(text), _with_nonbreaking_spaces(source)))
    return found


def _with_nonbreaking_spaces(source: str) -> str:
    """Return the source with spaces that keep `art.` and `n.º` on one line with their number."""
    return source.replace("art. ", "art.\u00a0").replace("n.º ", "n.º\u00a0")


PAYMENT_MEANS: dict[str, str] = {
    "CC": N_("Cartão de crédito"),
    "CD": N_("Cartão de débito"),
    "CH": N_("Cheque"),
    "CO": N_("Vale-oferta"),
    "DE": N_("Pontos ou cartão de cliente"),
    "MB": N_("Multibanco"),
    "NU": N_("Numerário"),
    "OU": N_("Outro meio"),
    "TB": N_("Transferência ou débito direto"),
}


def payment_means_label(code: str) -> str:
    """Return the words for a means of payment, given its SAF-T code."""
    return gettext(PAYMENT_MEANS.get(code, PAYMENT_MEANS["OU"]))
