"""The wire: form fields with JSON inside come in, `{"result": [...], "messages": [...]}` goes out.

Called by the service. It knows no entity.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Request, Response

Row = dict[str, Any]

ERROR, WARNING, INFORMATION = "Error", "Warning", "Information"
_NUMBERS = {ERROR: 1, WARNING: 2, INFORMATION: 3}


@dataclass(frozen=True)
class Message:
    """One entry of `messages`; the code is stable, the text is for people."""

    kind: str
    code: str
    text: str


class Refusal(Exception):
    """Why a call was not carried out; answered as a message of type error."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.message = Message(ERROR, code, text)


class RawResponse(Exception):
    """A call that gets another answer than the usual envelope."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass
class Call:
    """One request: whose installation, which service and method, its form, and what is said beside the result."""

    installation: str
    ws: str
    method: str
    form: dict[str, str]
    cookie: str = ""
    engine_auth: str = ""
    messages: list[Message] = field(default_factory=list)

    @property
    def step(self) -> str:
        """The word by which a fault is ordered for this call."""
        return METHOD_STEPS.get(self.method.lower(), self.method)

    def text(self, name: str) -> str:
        return self.form.get(name, "").strip()

    def json(self, name: str) -> Any:
        """The field's JSON; Refusal when the field is missing or is no JSON."""
        if name not in self.form:
            raise Refusal("messages.Rest.MissingParameter", f"Falta o parâmetro {name}.")
        try:
            return json.loads(self.form[name])
        except ValueError:
            raise Refusal(
                "messages.Rest.InvalidParameter", f"O parâmetro {name} não é JSON válido."
            ) from None

    def row(self, name: str) -> Row:
        """The field's JSON object."""
        found = self.json(name)
        if not isinstance(found, dict):
            raise Refusal("messages.Rest.InvalidParameter", f"O parâmetro {name} não é um objeto.")
        return found

    def number(self, name: str) -> int:
        text = self.text(name)
        if not text.lstrip("-").isdecimal():
            raise Refusal("messages.Rest.InvalidParameter", f"O parâmetro {name} não é um número.")
        return int(text)

    def warn(self, code: str, text: str, kind: str = WARNING) -> None:
        """Nothing; the message stands beside the result."""
        if not any(known.code == code for known in self.messages):
            self.messages.append(Message(kind, code, text))

    def mentions(self, words: str) -> bool:
        return any(words in text for text in self.form.values())


METHOD_STEPS = {
    "userlogincompany": "login",
    "getnewinstancefromreference": "getNewInstance",
    "getnewinstance": "getNewInstance",
    "actentity": "actEntity",
    "actbo": "actEntity",
    "actbi": "actEntity",
    "addnewfisbyref": "actEntity",
    "addnewbisbyref": "actEntity",
    "save": "Save",
    "signdocument": "signDocument",
    "queryasentities": "query",
    "query": "query",
    "getallrecords": "query",
    "getreportsforprint": "layouts",
    "print": "print",
    "sendreportemail": "email",
    "cfile.aspx": "pdf",
}
"""The step of each method; a method without one is its own step."""


def form_fields(request: Request) -> dict[str, str]:
    """The fields of a form, urlencoded or multipart; empty for any other body."""
    return {name: str(value) for name, value in (request.form.to_dict() | request.args.to_dict()).items()}


def envelope(result: list[Any], messages: list[Message], message_type: str) -> bytes:
    """The body of an answer; how a message's type is written is a switch."""
    lines = []
    for message in messages:
        line: Row = {
            "messageCode": message.code,
            "messageCodeLocale": message.text,
            "code": "",
        }
        if message_type == "number":
            line |= {"messageType": _NUMBERS[message.kind], "type": _NUMBERS[message.kind]}
        elif message_type == "text":
            line |= {"messageType": message.kind}
        lines.append(line)
    return json.dumps({"result": result, "messages": lines}, ensure_ascii=False).encode()


def with_float_noise(value: Any) -> Any:
    """The same with every broken number a trifle off, as sums of binary numbers are."""
    if isinstance(value, dict):
        return {name: with_float_noise(one) for name, one in value.items()}
    if isinstance(value, list):
        return [with_float_noise(one) for one in value]
    return value + 1e-10 if isinstance(value, float) else value


def json_response(body: bytes) -> Response:
    return Response(body, content_type="application/json; charset=utf-8")
