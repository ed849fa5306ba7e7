"""A client of the PHC GO stand-in; it shares no code with the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sandbox.phcgo.app import create_app
from sandbox.phcgo.database import Database
from sandbox.phcgo.program_state import PASSWORD, USER, ProgramState

OLARIA, QUINTA, ATLANTICO = "a3f91c07", "5d20be84", "0c77e1aa"
FT, FS, FR, NC, GT = 12, 31, 47, 58, 63
DAY = "2026-11-20"
Row = dict[str, Any]


def line(**changes: Any) -> Row:
    """Return a line of one tile at 10.00 without VAT, at 23 %."""
    return {"ref": "AZU-014", "qtt": 1, "epv": 10, "iva": 23, "ivaincl": False} | changes


class PhcGoClient:
    """A client of one installation."""

    def __init__(self, app: Flask, path: str = OLARIA, company: str = "") -> None:
        self.app, self.path, self.company = app, path, company
        self.client = app.test_client()
        self.session_headers = ""

    @property
    def program(self) -> ProgramState:
        return self.app.extensions["program"]  # type: ignore[no-any-return]

    @property
    def base(self) -> Database:
        found = self.program.find_database(self.path, self.company)
        assert found
        return found

    def post(self, ws: str, method: str, prefix: str = "PHCWS/REST", **form: Any) -> TestResponse:
        """Post a form and return the answer; any value that is not text becomes JSON."""
        fields = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()
        }
        headers = {"Engine-Auth": self.session_headers} if self.session_headers else {}
        return self.client.post(f"/{self.path}/{prefix}/{ws}/{method}", data=fields, headers=headers)

    def login(self, **changes: str) -> TestResponse:
        known = {
            "userCode": USER, "password": PASSWORD, "applicationType": self.program.token(self.path),
            "company": self.company,
        }  # fmt: skip
        answer = self.post("UserLoginWS", "userLoginCompany", **(known | changes))
        self.session_headers = answer.headers.get("Engine-Auth", "")
        return answer

    def call(self, ws: str, method: str, **form: Any) -> list[Row]:
        """Return the result of a call that must succeed."""
        answer = self.post(ws, method, **form)
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        assert not errors(body), body["messages"]
        return body["result"]  # type: ignore[no-any-return]

    def refused(self, ws: str, method: str, **form: Any) -> str:
        """Return the code of the error with which the call is answered."""
        body = self.post(ws, method, **form).get_json()
        assert errors(body) and body["result"] == [], body
        return str(errors(body)[0])

    def act(self, entity: str, row: Row) -> Row:
        return self.call(f"{entity}WS", "actEntity", entity=row, code="0", newValue=[])[0]

    def save(self, entity: str, row: Row) -> Row:
        return self.call(f"{entity}WS", "Save", itemVO=row, runWarningRules="false")[0]

    def document(self, *lines: Row, series: int = FT, customer: int = 1, **head: Any) -> Row:
        """Return a document that was filled in and not yet saved, without discounts."""
        row = self.call("FtWS", "getNewInstance", ndos=str(series))[0]
        row = self.act("Ft", row | {"no": customer, "fis": list(lines) or [line()]})
        row |= {"fin": 0, "efinv": 0}
        for one in row["fis"]:
            one["desconto"] = 0
        return self.act("Ft", row) | {"obs": "Ref. QI-1-1"} | head

    def draft(self, *lines: Row, **more: Any) -> Row:
        return self.save("Ft", self.document(*lines, **more))

    def signed(self, *lines: Row, **more: Any) -> Row:
        row = self.draft(*lines, **more)
        return self.sign(row["ftstamp"]) if row["draftRecord"] else row

    def sign(self, stamp: str) -> Row:
        return self.call("FtWS", "signDocument", ftstamp=stamp)[0]

    def query(self, entity: str, *conditions: tuple[str, Any], group: int = 0, **more: Any) -> list[Row]:
        items = [
            {"filterItem": name, "valueItem": value, "comparison": 0, "groupItem": group}
            for name, value in conditions
        ]
        asked = {"entityName": entity, "filterItems": items} | more
        return self.call("SearchWS", "QueryAsEntities", itemQuery=asked)

    def switch(self, **positions: str) -> None:
        for name, position in positions.items():
            self.program.switches.set(name.replace("_", "-"), position)

    def fault(self, **fault: Any) -> None:
        self.program.faults.schedule(fault)

    def ledger(self) -> list[Row]:
        file = self.program.folder / "ledger.jsonl"
        return [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]


def errors(body: Row) -> list[str]:
    return [
        message["messageCode"]
        for message in body["messages"]
        if message.get("messageType", 1) in (1, "Error")
    ]


@contextmanager
def serve_stand_in(folder: Path, today: str = DAY) -> Iterator[Flask]:
    """Serve the stand-in over the folder, at noon of that day: no test lasts until its midnight."""
    app = create_app(folder)
    app.extensions["program"].clock.set_time(datetime.fromisoformat(f"{today} 12:00"))
    try:
        yield app
    finally:
        app.extensions["program"].close()


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[PhcGoClient]:
    """Yield a client that is logged in at the first company."""
    with serve_stand_in(tmp_path) as app:
        made = PhcGoClient(app)
        made.login()
        yield made
