"""PDFs and e-mails of PHC GO: a document printed and fetched, or e-mailed by PHC GO itself.

For signed documents only: printing or e-mailing a draft may sign it (documented). The printed file is fetched at once,
and its address is shown to nobody, because the file name contains the buyer's name.

Source: public clients, read 2026-11-20 (docs/phcgo.md, "One document"). Unconfirmed: how long a printed file can be
fetched, and by whom; that an e-mail needs no sender of ours.
"""

from __future__ import annotations

from shopapp.errors import CredentialsError, RefusedError, SettingsError, TransientError
from shopapp.fiscal.document import Issued
from shopapp.providers.answers import MAX_PDF_BYTES, pdf_from

from .lists import layout_stamp
from .records import RecordType, issued_from
from .session import PhcGoSession
from .wire_format import Refusal, Row, text_field


def fetch_pdf(session: PhcGoSession, record_type: RecordType, row: Row) -> bytes:
    """Print a signed document and fetch its PDF. Raises TransientError `pdf-not-ready` while there is none."""
    layout = _layout_for(session, record_type, row)
    if not layout:
        raise TransientError("pdf-not-ready", how="no-layout")
    options = _print_options(record_type, row, layout, output=0)
    try:
        printed = session.read_with_relogin(lambda: session.read("reportws/print", options=options)).first
        name = text_field(printed, "phcString")
        reply = session.fetch_file(name, MAX_PDF_BYTES) if name else None
    except Refusal as error:
        raise TransientError("pdf-not-ready", how="refused") from error
    except CredentialsError as error:
        # a file that is no longer served says nothing about the credentials
        raise TransientError("pdf-not-ready", how=f"status-{error.detail.get('status', '')}") from error
    if reply is None:
        raise TransientError("pdf-not-ready", how="no-name")
    return pdf_from(reply)


def send_email(session: PhcGoSession, record_type: RecordType, row: Row, to: str) -> None:
    """Have PHC GO e-mail the signed document.

    Raises SettingsError `layout-missing`, RefusedError `provider-refused`, UncertainError when it may have been sent.
    """
    issued = issued_from(record_type, row)
    assert issued is not None
    layout = _layout_for(session, record_type, row)
    if not layout:
        raise SettingsError("layout-missing")
    options = _print_options(record_type, row, layout, output=2) | {"emailConfig": _email_config(to, issued)}
    try:
        session.write_with_relogin(lambda: session.write("reportws/print", options=options))
    except Refusal as error:
        raise RefusedError("provider-refused", answer=str(error)) from error


def _layout_for(session: PhcGoSession, record_type: RecordType, row: Row) -> str:
    return session.read_with_relogin(
        lambda: layout_stamp(session, record_type.entity.lower(), text_field(row, record_type.series))
    )


def _print_options(record_type: RecordType, row: Row, layout: str, output: int) -> Row:
    series = int(text_field(row, record_type.series))
    record = {"docId": series, "entityType": record_type.entity, "stamp": text_field(row, record_type.stamp)}
    return {"docId": series, "reportStamp": layout, "records": [record], "generateOnly": False, "isPreview": False,
            "outputType": output, "printerId": "", "sendToType": 0, "serie": 0,
            "emailConfig": _email_config("", None)}  # fmt: skip


def _email_config(to: str, issued: Issued | None) -> Row:
    subject = issued.number if issued else ""
    return {"sendFrom": "", "sendTo": to, "cc": "", "bcc": "", "subject": subject, "body": subject, "isBodyHtml": False,
            "sendToMyself": False}  # fmt: skip
