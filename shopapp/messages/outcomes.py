"""Why nobody knows whether the provider issued a document, in words (`errors.UncertainError`)."""

from __future__ import annotations

from shopapp.messages.i18n import N_
from shopapp.messages.sentence import Sentence

UNCERTAIN_ERRORS: dict[str, Sentence] = {
    "outcome-unknown": Sentence(
        N_("O %(provider)s não respondeu a tempo e não sabemos se chegou a emitir."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "outcome-cut": Sentence(
        N_("A ligação ao %(provider)s caiu antes da resposta e não sabemos se chegou a emitir."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "outcome-unreadable": Sentence(
        N_("A resposta do %(provider)s não se percebe e não sabemos se chegou a emitir."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "worker-died": Sentence(
        N_("O nosso programa parou a meio do envio e não sabemos se o %(provider)s chegou a emitir."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "draft-gone": Sentence(
        N_("O rascunho deste documento foi apagado no %(provider)s."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "restored": Sentence(
        N_("Repusemos uma cópia de segurança, e este documento pode ter saído depois dela."),
        N_("Procure-o no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "duplicate": Sentence(
        N_("O %(provider)s devolveu o número %(number)s, que já é de outra encomenda."),
        N_("Procure os dois documentos no %(provider)s e diga-nos qual é o desta venda."), N_("Esclarecer")),
    "number-held": Sentence(
        N_("O %(provider)s deu a esta encomenda o número %(number)s, que está guardado na encomenda #%(order)s."),
        N_("Se essa ligação está errada, desfaça-a lá: esta fica logo certa."), N_("Esclarecer")),
    "link-undone": Sentence(
        N_("Desfez a ligação ao número %(number)s."),
        N_("Procure o documento no %(provider)s e diga-nos se existe."), N_("Esclarecer")),
    "number-of-other": Sentence(
        N_("O número %(number)s, que nos tinha dado, é o da encomenda #%(order)s: foi o %(provider)s que o disse."),
        N_("Procure outra vez o documento desta encomenda e diga-nos se existe."), N_("Esclarecer")),
}  # fmt: skip
