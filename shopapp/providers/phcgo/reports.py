"""PHC GO's paper: a document printed and fetched as a PDF, or mailed by the program itself.

Called by the adapter beside it, for signed documents only: printing or mailing a draft may sign it. The printed file
is fetched at once; its name holds the buyer's, and its address is shown to nobody.

Source: phcgo.md section 4.6. Unconfirmed: how long a printed file can be fetched, and by whom; that mail needs no
sender of ours.
"""

from __future__ import annotations

from shopapp.fiscal.document import Issued
from shopapp.fiscal.errors import CredentialsError, RefusedError, SettingsError, TransientError

from .lists import layout_of
from .papers import Paper, issued_from
from .session import Session
from .wire import Refusal, Row, text

_LARGEST_PDF = 10 * 1024 * 1024


def pdf_of(session: Session, paper: Paper, row: Row) -> bytes:
    """The PDF of a signed document. TransientError `pdf-not-ready` while there is none."""
    layout = _layout(session, paper, row)
    if not layout:
        raise TransientError("pdf-not-ready", how="no-layout")
    options = _options(paper, row, layout, output=0)
    try:
        printed = session.run(lambda: session.read("reportws/print", options=options)).first
        name = text(printed, "phcString")
        reply = session.file(name, _LARGEST_PDF) if name else None
    except Refusal as error:
        raise TransientError("pdf-not-ready", how="refused") from error
    except CredentialsError as error:
        # a file that is no longer given says nothing about the keys
        raise TransientError("pdf-not-ready", how=f"status-{error.detail.get('status', '')}") from error
    if reply is None or reply.status != 200 or not reply.body.startswith(b"%PDF-"):
        raise TransientError("pdf-not-ready", how=f"status-{reply.status}" if reply else "no-name")
    return reply.body


def mail(session: Session, paper: Paper, row: Row, to: str) -> None:
    """Nothing; the program mailed the signed document. UncertainError when nobody knows."""
    issued = issued_from(paper, row)
    assert issued is not None
    layout = _layout(session, paper, row)
    if not layout:
        raise SettingsError("layout-missing")
    options = _options(paper, row, layout, output=2) | {"emailConfig": _letter(to, issued)}
    try:
        session.definite(lambda: session.write("reportws/print", options=options))
    except Refusal as error:
        raise RefusedError("provider-refused", answer=str(error)) from error


def _layout(session: Session, paper: Paper, row: Row) -> str:
    return session.run(lambda: layout_of(session, paper.entity.lower(), text(row, paper.series)))


def _options(paper: Paper, row: Row, layout: str, output: int) -> Row:
    series = int(text(row, paper.series))
    record = {"docId": series, "entityType": paper.entity, "stamp": text(row, paper.stamp)}
    return {"docId": series, "reportStamp": layout, "records": [record], "generateOnly": False, "isPreview": False,
            "outputType": output, "printerId": "", "sendToType": 0, "serie": 0,
            "emailConfig": _letter("", None)}  # fmt: skip


def _letter(to: str, issued: Issued | None) -> Row:
    subject = issued.number if issued else ""
    return {"sendFrom": "", "sendTo": to, "cc": "", "bcc": "", "subject": subject, "body": subject, "isBodyHtml": False,
            "sendToMyself": False}  # fmt: skip
