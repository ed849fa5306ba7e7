"""What can be wrong with an issued document, in words (`models.document.ALARMS`)."""

from __future__ import annotations

from shopapp.messages.i18n import N_
from shopapp.messages.sentence import CREDIT, Sentence

DOCUMENT_ALARMS: dict[str, Sentence] = {
    "alarm-total-differs": Sentence(
        N_("O total devolvido pelo %(provider)s (%(theirs)s) difere do enviado (%(ours)s)."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-vat-differs": Sentence(
        N_("O IVA devolvido pelo %(provider)s (%(theirs)s) difere do enviado (%(ours)s)."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-rates-differ": Sentence(
        N_("O %(provider)s aplicou IVA a %(printed)s %%; enviámos %(sent)s %%."),
        N_("O documento existe. Veja no %(provider)s a taxa da série e dos artigos."),
        N_("Ver a diferença")),
    "alarm-region-differs": Sentence(
        N_("O %(provider)s pôs o documento noutra região de IVA: %(printed)s em vez de %(sent)s."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-exemption-differs": Sentence(
        N_("O motivo de isenção no %(provider)s é %(printed)s; enviámos %(sent)s."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-buyer-differs": Sentence(
        N_("O NIF do cliente no %(provider)s (%(printed)s) não é o que enviámos (%(sent)s)."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-lines-differ": Sentence(
        N_("O documento tem outro número de linhas no %(provider)s: %(printed)s em vez de %(sent)s."),
        N_("O documento existe. Compare os valores e diga-nos quais estão certos."),
        N_("Ver a diferença")),
    "alarm-duplicate": Sentence(
        N_("O %(provider)s devolveu um segundo número, %(number)s, para esta encomenda."),
        N_("Confirme os dois documentos no %(provider)s; um deles pode precisar de nota de crédito."),
        N_("Ver os dois")),
    "alarm-number-held": Sentence(
        N_("O %(provider)s deu a esta encomenda o número %(number)s, que está guardado na encomenda #%(order)s."),
        N_("Se essa ligação está errada, desfaça-a lá: esta fica logo certa."), N_("Ver os dois")),
    "alarm-cancelled-after": Sentence(
        N_("A encomenda foi cancelada depois de faturada. Falta a nota de crédito."),
        N_("Emita-a aqui. Se já a emitiu no %(provider)s, marque que está tratado."), N_("Ver e creditar"), CREDIT),
    "alarm-unpaid-after": Sentence(
        N_("A encomenda deixou de estar paga na loja depois de faturada."),
        N_("Se não recebeu o dinheiro, credite o documento. Se a loja a voltar a dar como paga, este aviso sai"
           " sozinho."), N_("Ver e creditar"), CREDIT),
    "alarm-paid-again": Sentence(
        N_("A encomenda foi cancelada e voltou a ser paga."),
        N_("Se o documento vale, marque que está tratado. Se já o creditou no %(provider)s, emita outro; se o"
           " creditou em parte, credite o resto e emitimos outro."), N_("Ver o documento")),
    "alarm-changed-after": Sentence(
        N_("A encomenda mudou na loja depois de faturada."),
        N_("O documento não muda. Se já não está certo, credite-o e emita de novo com os dados de agora."),
        N_("Ver a diferença")),
    "alarm-returned-after": Sentence(
        N_("A loja diz que voltaram artigos desta encomenda. Falta a nota de crédito."),
        N_("Credite só o que voltou. Se já o creditou no %(provider)s, ou não devolve dinheiro, marque que está"
           " tratado."), N_("Ver e creditar"), CREDIT),
    "alarm-note-unusable": Sentence(
        N_("O %(provider)s não fez a fatura a partir desta nota de encomenda; a fatura saiu sem ela."),
        N_("Feche a nota de encomenda no %(provider)s e marque aqui que está tratado."), N_("Ver o documento")),
    "alarm-note-cancelled": Sentence(
        N_("A encomenda foi cancelada depois desta nota de encomenda."),
        N_("A nota continua aberta no %(provider)s e daqui não se fecha: anule-a lá e marque aqui que está tratado."),
        N_("Ver a nota")),
    "alarm-note-changed": Sentence(
        N_("A encomenda mudou depois desta nota de encomenda, e a fatura não é feita a partir dela."),
        N_("A nota continua aberta no %(provider)s e daqui não se fecha: anule-a lá e marque aqui que está tratado."),
        N_("Ver a nota")),
    "alarm-annulled": Sentence(
        N_("O documento foi anulado no %(provider)s."),
        N_("Se a venda precisa de outro, emita-o aqui; se não, marque que está tratado."),
        N_("Ver o documento")),
    "alarm-gone": Sentence(
        N_("O documento %(number)s já não está no %(provider)s."),
        N_("Procure-o no %(provider)s e fale com o apoio dele: um documento fiscal não se apaga."),
        N_("Ver o documento")),
}  # fmt: skip
