"""Layouts, printing, files and e-mail.

Called by the service. Printing or mailing a draft signs it where its series signs on print.
"""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from flask import Response

from . import paper as papers
from . import session as sessions
from . import signing
from .base import Base
from .completing import BO, FT, Paper
from .office import Office, Session
from .wire import INFORMATION, Call, Refusal, Row

TO_FILE, TO_MAIL = 0, 2
LIFETIME = 600


def layouts(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The layouts that may print this kind of record; none where nobody made one."""
    if call.text("entityname").lower() not in ("ft", "bo"):
        raise Refusal("messages.Rest.InvalidParameter", "Só se imprimem ft e bo.")
    call.number("numdoc")
    return [dict(row) for row in base.rows("Layout")]


def print_record(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """The name of the printed file (`phcString`), or nothing where it was mailed instead."""
    options = call.row("options")
    layout = base.get("Layout", str(options.get("reportStamp", "")))
    if layout is None or not layout["enabled"]:
        raise Refusal("messages.Report.NotFound", "O layout de impressão não existe.")
    records = options.get("records") or []
    if len(records) != 1 or options.get("outputType") not in (TO_FILE, TO_MAIL):
        raise Refusal("messages.Rest.InvalidParameter", "Imprime-se um documento de cada vez.")
    paper = BO if str(records[0].get("entityType", "")).lower() == "bo" else FT
    row = _printable(office, base, paper, str(records[0].get("stamp", "")), call, "print")
    if options["outputType"] == TO_MAIL:
        letter = options.get("emailConfig") or {}
        _mail(office, base, paper, row, letter, call)
        return []
    name = papers.file_name(paper, row)
    office.files[base.installation, name] = {
        "company": base.code, "paper": paper.entity, "stamp": row[paper.stamp], "fetched": 0,
        "made": office.clock.now().timestamp(),
    }  # fmt: skip
    return [{"phcString": name}]


def send(office: Office, session: Session, base: Base, call: Call) -> list[Row]:
    """Nothing; the documents were mailed, and signed before where that was asked for."""
    letter = call.row("reportEmailVO")
    if base.get("Layout", str(letter.get("repstamp", ""))) is None:
        raise Refusal("messages.Report.NotFound", "O layout de impressão não existe.")
    for stamp in letter.get("items") or []:
        row = base.get("Ft", str(stamp))
        if row and row["draftRecord"] and letter.get("signDocument"):
            signing.sign(office, base, row, "email", call)
        _mail(office, base, FT, _printable(office, base, FT, str(stamp), call, "email"), letter, call)
    return []


def _printable(office: Office, base: Base, paper: Paper, stamp: str, call: Call, by: str) -> Row:
    row = base.get(paper.entity, stamp)
    if row is None:
        raise Refusal("messages.Data.NotFound", "O documento não existe.")
    series = base.find(paper.series, **{paper.key: row[paper.key]})
    if paper is FT and row["draftRecord"] and series and series["assinaImprimir"]:
        return signing.sign(office, base, row, by, call)
    return row


def _mail(office: Office, base: Base, paper: Paper, row: Row, letter: Row, call: Call) -> None:
    to = str(letter.get("sendTo") or row["email"])
    if "@" not in to:
        raise Refusal("messages.Email.NoRecipient", "Falta o endereço do destinatário.")
    told = {
        "installation": base.installation, "company": base.code, "id": row[paper.stamp], "to": to,
        "number": row.get("uniqueID") or row[paper.number], "draft": row["draftRecord"],
        "subject": str(letter.get("subject") or f"{row[paper.name]} {row[paper.number]}"),
        "body": str(letter.get("body") or ""),
    }  # fmt: skip
    if office.smtp:
        _post(office.smtp, told, papers.pdf(base, paper, row), str(letter.get("sendFrom") or ""))
    office.mailed(told)
    if office.switches["email-answer"] == "information":
        call.warn("messages.Email.Sent", "Email enviado com sucesso", INFORMATION)


def _post(smtp: str, told: Row, paper: bytes, sender: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = sender or "phcgo@sandbox.example", told["to"]
    message["Subject"] = told["subject"].replace("\n", " ")
    message.set_content(told["body"] or "Segue em anexo.")
    message.add_attachment(paper, maintype="application", subtype="pdf", filename="documento.pdf")
    host, _, port = smtp.partition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=10) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as problem:
        raise Refusal(
            "messages.Email.Failed", f"O e-mail não foi enviado: {type(problem).__name__}."
        ) from problem


def fetched(office: Office, call: Call) -> Response:
    """The printed file, to whom the switch allows it."""
    policy = office.switches["pdf-link"]
    if policy == "session":
        sessions.admit(office, call)
    file = office.files.get((call.installation, call.form.get("fileName", "")))
    old = file and policy == "10-minutes" and office.clock.now().timestamp() > file["made"] + LIFETIME
    if not file or old or (policy == "once" and file["fetched"]):
        return Response("<html><title>404</title>Ficheiro inexistente.</html>", 404, mimetype="text/html")
    file["fetched"] += 1
    base = office.base(call.installation, file["company"])
    paper = FT if file["paper"] == "Ft" else BO
    row = base.get(paper.entity, file["stamp"]) if base else None
    if base is None or row is None:
        return Response("<html><title>404</title>Ficheiro inexistente.</html>", 404, mimetype="text/html")
    return Response(papers.pdf(base, paper, row), mimetype="application/pdf")
