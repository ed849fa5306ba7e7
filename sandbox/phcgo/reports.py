"""Layouts, printing, files and e-mail.

Printing or mailing a draft signs it where its series signs on print.
"""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from flask import Response

from . import document_pdf, signature
from . import session as session_rules
from .database import Database
from .program_state import ProgramState, Session
from .record_types import BO, FT, RecordType
from .wire import INFORMATION, Call, Refusal, Row

TO_FILE, TO_EMAIL = 0, 2
LINK_SECONDS = 600


def layouts(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Return the layouts that print this type of record."""
    if call.text("entityname").lower() not in ("ft", "bo"):
        raise Refusal("messages.Rest.InvalidParameter", "Só se imprimem ft e bo.")
    call.number("numdoc")
    return [dict(row) for row in database.rows("Layout")]


def print_record(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Print the record and return the file's name (`phcString`), or mail it and return nothing."""
    options = call.row("options")
    layout = database.get("Layout", str(options.get("reportStamp", "")))
    if layout is None or not layout["enabled"]:
        raise Refusal("messages.Report.NotFound", "O layout de impressão não existe.")
    records = options.get("records") or []
    if len(records) != 1 or options.get("outputType") not in (TO_FILE, TO_EMAIL):
        raise Refusal("messages.Rest.InvalidParameter", "Imprime-se um documento de cada vez.")
    record_type = BO if str(records[0].get("entityType", "")).lower() == "bo" else FT
    row = _record_to_print(program, database, record_type, str(records[0].get("stamp", "")), call, "print")
    if options["outputType"] == TO_EMAIL:
        email_config = options.get("emailConfig") or {}
        _send_record(program, database, record_type, row, email_config, call)
        return []
    name = document_pdf.file_name(record_type, row)
    program.printed_files[database.installation, name] = {
        "company": database.code, "paper": record_type.entity, "stamp": row[record_type.stamp], "fetched": 0,
        "made": program.clock.now().timestamp(),
    }  # fmt: skip
    return [{"phcString": name}]


def send_by_email(program: ProgramState, session: Session, database: Database, call: Call) -> list[Row]:
    """Send the documents by e-mail, and sign them first if the call asks for it."""
    request_body = call.row("reportEmailVO")
    if database.get("Layout", str(request_body.get("repstamp", ""))) is None:
        raise Refusal("messages.Report.NotFound", "O layout de impressão não existe.")
    for stamp in request_body.get("items") or []:
        row = database.get("Ft", str(stamp))
        if row and row["draftRecord"] and request_body.get("signDocument"):
            signature.sign_draft(program, database, row, "email", call)
        _send_record(
            program,
            database,
            FT,
            _record_to_print(program, database, FT, str(stamp), call, "email"),
            request_body,
            call,
        )
    return []


def _record_to_print(
    program: ProgramState, database: Database, record_type: RecordType, stamp: str, call: Call, by: str
) -> Row:
    row = database.get(record_type.entity, stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    series = database.find(record_type.series, **{record_type.key: row[record_type.key]})
    if record_type is FT and row["draftRecord"] and series and series["assinaImprimir"]:
        return signature.sign_draft(program, database, row, by, call)
    return row


def _send_record(
    program: ProgramState,
    database: Database,
    record_type: RecordType,
    row: Row,
    request_body: Row,
    call: Call,
) -> None:
    to = str(request_body.get("sendTo") or row["email"])
    if "@" not in to:
        raise Refusal("messages.Email.NoRecipient", "Falta o endereço do destinatário.")
    mail = {
        "installation": database.installation, "company": database.code, "id": row[record_type.stamp], "to": to,
        "number": row.get("uniqueID") or row[record_type.number], "draft": row["draftRecord"],
        "subject": str(request_body.get("subject") or f"{row[record_type.name]} {row[record_type.number]}"),
        "body": str(request_body.get("body") or ""),
    }  # fmt: skip
    if program.smtp:
        _send_smtp(
            program.smtp,
            mail,
            document_pdf.render_pdf(database, record_type, row),
            str(request_body.get("sendFrom") or ""),
        )
    program.record_mail(mail)
    if program.switches["email-answer"] == "information":
        call.warn("messages.Email.Sent", "Email enviado com sucesso", INFORMATION)


def _send_smtp(smtp: str, mail: Row, pdf: bytes, sender: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = sender or "phcgo@sandbox.example", mail["to"]
    message["Subject"] = mail["subject"].replace("\n", " ")
    message.set_content(mail["body"] or "Segue em anexo.")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="documento.pdf")
    host, _, port = smtp.partition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=10) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as problem:
        raise Refusal(
            "messages.Email.Failed", f"O e-mail não foi enviado: {type(problem).__name__}."
        ) from problem


def fetch_file(program: ProgramState, call: Call) -> Response:
    """Return the printed file, or a 404 page; the switch says who may fetch it."""
    policy = program.switches["pdf-link"]
    if policy == "session":
        session_rules.require_session(program, call)
    file = program.printed_files.get((call.installation, call.form.get("fileName", "")))
    old = file and policy == "10-minutes" and program.clock.now().timestamp() > file["made"] + LINK_SECONDS
    if not file or old or (policy == "once" and file["fetched"]):
        return Response("<html><title>404</title>Ficheiro inexistente.</html>", 404, mimetype="text/html")
    file["fetched"] += 1
    database = program.find_database(call.installation, file["company"])
    record_type = FT if file["paper"] == "Ft" else BO
    row = database.get(record_type.entity, file["stamp"]) if database else None
    if database is None or row is None:
        return Response("<html><title>404</title>Ficheiro inexistente.</html>", 404, mimetype="text/html")
    return Response(document_pdf.render_pdf(database, record_type, row), mimetype="application/pdf")
