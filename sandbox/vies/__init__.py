"""A stand-in of VIES: whether an EU VAT number is valid, in the form of the Commission's REST service.

sandbox/README.md says what is known about the real service, and the source. It calls no other service: tests
set its verdicts, or they follow from one simple rule.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, jsonify, request

from sandbox.core.blueprint import core_blueprint
from sandbox.core.server import drop_connection
from sandbox.core.storage import Json, JsonStorage
from sandbox.core.switches import Switch, Switches

SWITCHES = (
    Switch(
        "vies",
        "the whole service: up, an error with HTTP 200, as 500, 503 or 429, a page, half an answer, late, none",
        ("up", "unavailable", "busy", "error-500", "error-503", "429", "html", "garbage", "slow", "drop"),
        "seen in code",
    ),
    Switch("names", "name and address of a valid number", ("told", "withheld"), "seen in code"),
    Switch("requester", "a requester whose own number is not in VIES", ("known", "refused"), "unknown"),
)
MEMBER_STATES = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
})  # fmt: skip
# these give neither name nor address, even for a valid number
STATES_WITHOUT_NAMES = frozenset({"DE", "ES"})
VERDICTS = {
    "valid": "",
    "invalid": "",
    "unavailable": "MS_UNAVAILABLE",
    "busy": "MS_MAX_CONCURRENT_REQ",
    "timeout": "TIMEOUT",
    "blocked": "VAT_BLOCKED",
}
KNOWN_COMPANIES = {
    "ESB12345674": ("Ejemplo Comercial SL", "Calle Ejemplo 3\n28001 MADRID"),
    "FR40303265045": ("SA EXEMPLE", "1 RUE DE L'EXEMPLE\n75001 PARIS"),
    "DE136695976": ("Beispiel GmbH", "Beispielweg 5\n10115 BERLIN"),
    "PT599980125": ("OLARIA DO SADO, LDA.", "RUA DAS OLARIAS 14\n2900-001 SETUBAL"),
}
_NUMBER = re.compile(r"[0-9A-Z+*]{2,12}")
_SLOW_SECONDS = 120.0


class VatRegister:
    """The verdict for each number and every query received; verdicts are kept in storage."""

    def __init__(self, folder: Path | None) -> None:
        self.storage = JsonStorage(folder)
        self.switches = Switches(SWITCHES, self.storage)
        self.verdicts: dict[str, str] = self.storage.all("verdict")
        self.requests: list[Json] = []

    def set_verdict(self, number: str, verdict: str) -> None:
        """Set the verdict for a number, or for all numbers of a member state by its two letters."""
        if verdict not in VERDICTS:
            raise ValueError(f"a number is {', '.join(VERDICTS)}; not {verdict}")
        self.verdicts[number] = verdict
        self.storage.put("verdict", number, verdict)

    def verdict(self, country: str, number: str) -> str:
        """Return the verdict for the number, else that for its member state.

        Without one, a number is valid unless all its digits are the same.
        """
        known = self.verdicts.get(country + number) or self.verdicts.get(country)
        if known:
            return known
        return "invalid" if len(set(re.sub("[^0-9]", "", number))) < 2 else "valid"

    def reset(self) -> None:
        """Return to the initial state."""
        self.verdicts, self.requests = {}, []
        self.storage.clear()
        self.switches.reset()


def create_app(register: VatRegister) -> Flask:
    """Return the service at `/rest-api` with its control routes under `/sandbox/`."""
    app = Flask("sandbox-vies")
    app.register_blueprint(core_blueprint("VIES", register.switches))

    @app.post("/rest-api/check-vat-number")
    def check() -> Response:
        asked = request.get_json(silent=True)
        register.requests.append(asked)
        return _service_fault(register) or _answer(register, asked)

    @app.post("/sandbox/numbers")
    def tell() -> Response:
        """Set verdicts (`{"FR40303265045": "valid", "DE": "unavailable"}`) and return all of them."""
        try:
            for number, verdict in request.get_json().items():
                register.set_verdict(number, verdict)
        except ValueError as wrong:
            return _json_response(422, {"error": str(wrong)})
        return jsonify(register.verdicts)

    @app.get("/sandbox/numbers")
    def told() -> Response:
        return jsonify(register.verdicts)

    @app.get("/sandbox/asked")
    def questions() -> Response:
        """Return every query so far, oldest first."""
        return jsonify(register.requests)

    @app.post("/sandbox/reset")
    def reset() -> Response:
        register.reset()
        return jsonify({})

    return app


def _answer(register: VatRegister, query: Json) -> Response:
    if not isinstance(query, dict):
        return _error(500, "VOW-ERR-1", "An unexpected error occurred. Please retry later.")
    country, number = str(query.get("countryCode") or ""), str(query.get("vatNumber") or "").upper()
    if not country or not number:
        return _error(400, "VOW-ERR-11", "A mandatory field is missing")
    if not _NUMBER.fullmatch(number):
        return _error(400, "VOW-ERR-2600", "The Vat number does not respect the configured pattern")
    if country not in MEMBER_STATES:
        return _error(200, "INVALID_INPUT")
    if query.get("requesterNumber") and register.switches["requester"] == "refused":
        return _error(200, "INVALID_REQUESTER_INFO")
    verdict = register.verdict(country, number)
    if VERDICTS[verdict]:
        return _error(200, VERDICTS[verdict])
    return jsonify(_validity_json(register, country, number, verdict == "valid", query))


def _validity_json(register: VatRegister, country: str, number: str, is_valid: bool, query: Json) -> Json:
    is_withheld = country in STATES_WITHOUT_NAMES or register.switches["names"] == "withheld"
    known = KNOWN_COMPANIES.get(country + number, (f"Empresa {number}", f"Rua do Exemplo 1\n{country}"))
    name, address = known if is_valid and not is_withheld else ("---", "---")
    today = datetime.now(UTC)
    # Only a requester who gives their own number gets a consultation number.
    proof = f"WAPIAAAA{today:%y%m%d%H%M%S}" if query.get("requesterNumber") and is_valid else ""
    parts = ("Name", "Street", "PostalCode", "City", "CompanyType")
    return {
        "countryCode": country,
        "vatNumber": number,
        "requestDate": f"{today:%Y-%m-%dT%H:%M:%S}.{today.microsecond // 1000:03}Z",
        "valid": is_valid,
        "requestIdentifier": proof,
        "name": name,
        "address": address,
        **{f"trader{part}": "---" for part in parts},
        **{f"trader{part}Match": "NOT_PROCESSED" for part in parts},
    }


def _service_fault(register: VatRegister) -> Response | None:
    """Return the answer that the switch asks for, or None when the service is up."""
    at = register.switches["vies"]
    if at == "slow":
        _wait_while_slow(register)
        at = register.switches["vies"]
    if at == "drop":
        return drop_connection()
    if at in ("unavailable", "busy"):
        return _error(200, {"unavailable": "SERVICE_UNAVAILABLE", "busy": "GLOBAL_MAX_CONCURRENT_REQ"}[at])
    if at == "error-500":
        return _error(500, "VOW-ERR-1", "An unexpected error occurred. Please retry later.")
    if at == "error-503":
        return Response("<html><h1>503 Service Unavailable</h1></html>", 503, content_type="text/html")
    if at == "429":
        return Response("<html><h1>429 Too Many Requests</h1></html>", 429, content_type="text/html")
    if at == "html":
        return Response("<html><h1>VIES: manutenção</h1></html>", 200, content_type="text/html")
    if at == "garbage":
        return Response(b'{"countryCode": "FR", "val', 200, content_type="application/json")
    return None


def _wait_while_slow(register: VatRegister) -> None:
    """Wait until the switch changes, or longer than any caller waits."""
    end = time.monotonic() + _SLOW_SECONDS
    while register.switches["vies"] == "slow" and time.monotonic() < end:
        time.sleep(0.02)


def _error(status: int, code: str, message: str = "") -> Response:
    error = {"error": code, "message": message} if message else {"error": code}
    return _json_response(status, {"actionSucceed": False, "errorWrappers": [error]})


def _json_response(status: int, content: Json) -> Response:
    answer = jsonify(content)
    answer.status_code = status
    return answer
