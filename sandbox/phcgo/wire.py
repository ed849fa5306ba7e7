"""The wire format: form fields with JSON come in, `{"result": [...], "messages": [...]}` goes out."""

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
    """An entry of `messages`; the code is stable, the text is for people."""

    kind: str
    code: str
    text: str


class Refusal(Exception):
    """The reason why a call was not executed; answered as a message of type error."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.message = Message(ERROR, code, text)


class RawResponse(Exception):
    """An answer other than the usual envelope."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass
class Call:
    """One request; `messages` are sent with its result."""

    installation: str
    ws: str
    method: str
    form: dict[str, str]
    cookie: str = ""
    engine_auth: str = ""
    messages: list[Message] = field(default_factory=list)

    @property
    def step(self) -> str:
        """Return the name of the step by which faults are scheduled for this call."""
        return METHOD_STEPS.get(self.method.lower(), self.method)

    def text(self, name: str) -> str:
        return self.form.get(name, "").strip()

    def json(self, name: str) -> Any:
        """Return the field's JSON. Raises Refusal when it is missing or not JSON."""
        if name not in self.form:
            raise Refusal("messages.Rest.MissingParameter", f"Falta o parâmetro {name}.")
        try:
            return json.loads(self.form[name])
        except ValueError:
            raise Refusal(
                "messages.Rest.InvalidParameter", f"O parâmetro {name} não é JSON válido."
            ) from None

    def row(self, name: str) -> Row:
        """Return the field's JSON object. Raises Refusal for anything else."""
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
        """Send a message with the result, once for each code."""
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
"""The step of each method; any other method is its own step."""


def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of the form (urlencoded or multipart) and of the query string."""
    return {name: str(value) for name, value in (request.form.to_dict() | request.args.to_dict()).items()}


def envelope(result: list[Any], messages: list[Message], message_type: str) -> bytes:
    """Return the body of an answer; a switch says how a message's type is written."""
    lines = []
    for message in messages:
        line: Row = {"messageCode": message.code, "messageCodeLocale": message.text, "code": ""}
        if message_type == "number":
            line |= {"messageType": _NUMBERS[message.kind], "type": _NUMBERS[message.kind]}
        elif message_type == "text":
            line |= {"messageType": message.kind}
        lines.append(line)
    return json.dumps({"result": result, "messages": lines}, ensure_ascii=False).encode()


def with_float_noise(value: Any) -> Any:
    """Return the value with floating-point noise on every fraction."""
    if isinstance(value, dict):
        return {name: with_float_noise(one) for name, one in value.items()}
    if isinstance(value, list):
        return [with_float_noise(one) for one in value]
    return value + 1e-10 if isinstance(value, float) else value


def json_response(body: bytes) -> Response:
    return Response(body, content_type="application/json; charset=utf-8")
