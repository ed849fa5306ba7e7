"""iGEST behind the verbs of a provider: checks keys, lists choices, issues once, fetches the paper.

Opened by `connect` with one account's credentials. It never repeats a call that issues and never sorts by the
words of an answer: they only choose which field of the form is marked.

Source: igest.pt and publico.igest.pt (read 2026-11-20); the wire is not public, see wire.py.
Unconfirmed: every method but `novo_documento`, the level of rounding, and that nothing was issued when the
whole answer is an `erro`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from shopapp.fiscal.document import Draft, Issued
from shopapp.fiscal.errors import (
    AppError,
    CredentialsError,
    RefusedError,
    TransientError,
    UncertainError,
    UnreachableError,
)
from shopapp.http import Answer, Wire
from shopapp.providers.base import AccountFacts, Capabilities, Choices, Field, Guide, Once, Provider

from .documents import issued_from, payload_from
from .lists import choices_from, facts_from
from .refusals import refusal_from, without
from .wire import CONTENT_TYPE, Fields, Keys, Output, UnreadableAnswer, answer, request

log = logging.getLogger("quickinvoice.igest")

_FORTY = "[0-9a-fA-F]{40}"
_LARGEST_PDF = 10 * 1024 * 1024
_TRACES = ("id_documento", "numero_documento", "atcud", "hash_at", "url_pdf")
"""Elements any of which says that a document exists, whatever the status claims."""


class IGest(Provider):
    """One entity of iGEST, opened with the keys of its integration."""

    name: ClassVar[str] = "igest"
    label: ClassVar[str] = "iGEST"
    support: ClassVar[str] = "apoio@igest.pt"
    # the four values of the only known request; one that proves needless is one line less here
    credential_fields: ClassVar[tuple[Field, ...]] = (
        Field("key", "Chave de integração", "40 letras e algarismos, que o iGEST mostra depois de ativar.",
              secret=True, pattern=_FORTY),
        Field("code", "Código de segurança", "Por baixo da chave de integração, no mesmo ecrã do iGEST.",
              secret=True, pattern=_FORTY),
        Field("nif", "NIF da entidade", "O da empresa que emite as faturas: Entidade > Configurar > Geral.",
              digits=True, pattern="[0-9]{9}"),
        Field("entity", "Número da entidade", "O número que a empresa tem no iGEST, junto das chaves.",
              digits=True, pattern="[0-9]{1,10}"),
    )  # fmt: skip
    capabilities: ClassVar[Capabilities] = Capabilities(
        level="rate_group",
        reads_state=False,
        searches=False,
        emails=False,
        warehouses=True,
        credit_notes=True,
    )
    guide: ClassVar[Guide] = Guide(
        keys=("Entidade", "Configurar", "Integrações", "Jumpseller", "Ativar"),
        keys_help="Depois de ativar, os valores aparecem no mesmo ecrã. Se lá estiver «Desativar», já está ativo.",
        documents=("Vendas",),
        number_example="FR 2026FR/12",
        series_help=("Entidade", "Configurar", "Definições"),
    )
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the wire format as a whole: it is not public, and the one public client of it never had an answer",
        "the production address, and whether the XML goes bare or in a SOAP envelope",
        "which of the two values on the merchant's screen is `codigo` and which makes `chave`",
        "the methods that check the keys and list series, exemption reasons, rates and warehouses",
        "that prices are without VAT and that cents are rounded once for each rate",
        "that a whole answer with status `erro` and no number means that nothing was issued",
        "looking a document up by our reference, reading its state, having it e-mailed: taken as impossible",
        "whether issuing moves stock by itself, and whether an unknown article is created",
    )

    def __init__(
        self, credentials: Mapping[str, str], wire: Wire, url: str, now: Callable[[], datetime]
    ) -> None:
        self._keys = Keys(
            **{name: credentials.get(name, "").strip() for name in ("entity", "nif", "key", "code")}
        )
        self._wire = wire
        self._url = url
        self._now = now

    @property
    def once(self) -> Once:
        """One attempt: no way is known to find a document again, so in doubt a person decides."""
        return Once.BY_PERSON

    def check(self) -> AccountFacts:
        """Whose account it is. CredentialsError for an `erro`, UnreachableError when it is none."""
        return facts_from(self._ask("verificar"), self._keys)

    def choices(self) -> Choices:
        """The lists of the settings form; one that the web service lacks is the law's own, or empty."""
        facts = self.check()
        names = ["listar_series", "listar_isencoes", "listar_taxas"]
        if facts.warehouses:
            names.append("listar_armazens")
        return choices_from({name: self._list(name) for name in names}, facts.region, self._now().date())

    def _list(self, method: str) -> Output | None:
        try:
            return self._ask(method)
        except CredentialsError:
            # the keys were good a moment ago: this method is refused, or does not exist
            return None

    def _ask(self, method: str) -> Output:
        """The `sucesso` of a method that changes nothing."""
        try:
            reply = self._wire.read("POST", self._url, **self._content(method, ()))
            output = _whole(reply)
        except CredentialsError as error:
            raise CredentialsError(
                "keys-refused", answer="", field="", kind="other", **error.detail
            ) from error
        except UnreadableAnswer as error:
            raise UnreachableError("not-igest", how=str(error)) from error
        if output.status == "sucesso":
            return output
        if output.status == "erro":
            raise refusal_from(self._words(output), {field.name for field in self.credential_fields})
        raise UnreachableError("not-igest", how="status-unknown")

    def issue(self, draft: Draft, reference: str) -> Issued:
        """The document, issued by one single call.

        UncertainError means that it may exist; every other error that nothing was issued.
        """
        try:
            content = self._content("novo_documento", payload_from(draft, reference))
        except AppError:
            raise
        except Exception as error:
            # our own mistake, and nothing has left yet
            log.exception("a draft could not be written for iGEST")
            raise TransientError("internal") from error
        try:
            outcome = self._understood(self._wire.write("POST", self._url, **content))
        except CredentialsError as error:
            raise _stranger(error) from error
        except AppError:
            raise
        except Exception as error:
            # our own mistake again, but the document may be there all the same
            log.exception("an answer of iGEST could not be read")
            raise UncertainError("outcome-unknown", how="internal") from error
        if isinstance(outcome, Issued):
            return outcome
        raise self._why_refused(outcome)

    def _understood(self, reply: Answer) -> Issued | str:
        """The document, or the words with which it was refused. UncertainError when it is neither."""
        try:
            output = _whole(reply)
        except UnreadableAnswer as error:
            raise UncertainError("outcome-unknown", how=str(error)) from error
        if output.status == "sucesso":
            found = issued_from(output)
            if found is None:
                raise UncertainError("outcome-unknown", how="no-number", id=output.text("id_documento")[:80])
            return found
        if output.status != "erro":
            raise UncertainError("outcome-unknown", how="status-unknown")
        if any(output.text(trace) for trace in _TRACES):
            number = output.text("numero_documento")[:60]
            raise UncertainError("outcome-unknown", how="contradictory", number=number)
        return self._words(output)

    def _why_refused(self, words: str) -> AppError:
        """What a refusal means: the account is no longer accepted, or else the content is not."""
        try:
            self.check()
        except CredentialsError as error:
            return error
        except Exception:
            log.warning("whether the keys are good could not be asked after a refusal", exc_info=True)
        return RefusedError("provider-refused", answer=words)

    def pdf(self, issued: Issued) -> bytes:
        """iGEST's own PDF, at most 10 MiB. TransientError `pdf-not-ready` while its address gives none."""
        if not issued.pdf_url:
            raise TransientError("pdf-not-ready", how="no-address")
        try:
            reply = self._wire.read("GET", issued.pdf_url, most=_LARGEST_PDF)
        except CredentialsError as error:
            # an address that ran out says nothing about the keys
            raise TransientError("pdf-not-ready", how=f"status-{error.detail['status']}") from error
        if reply.status != 200 or not reply.body.startswith(b"%PDF-"):
            raise TransientError("pdf-not-ready", how=f"status-{reply.status}")
        return reply.body

    def _content(self, method: str, fields: Fields) -> dict[str, Any]:
        body = request(self._keys, method, fields, self._now())
        return {"data": body, "headers": {"Content-Type": CONTENT_TYPE}}

    def _words(self, output: Output) -> str:
        return without(output.message, (self._keys.key, self._keys.code))


def _whole(reply: Answer) -> Output:
    """The output in this answer; business errors come with 200 as well, so any other status is none."""
    if reply.status != 200:
        raise UnreadableAnswer(f"status-{reply.status}")
    return answer(reply.body)


def _stranger(error: CredentialsError) -> CredentialsError:
    """The same refusal with the detail that every refusal of an account has."""
    return CredentialsError("keys-refused", **{"answer": "", "field": "", "kind": "other", **error.detail})
