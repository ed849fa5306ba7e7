"""Authenticate the caller: entity, integration key, NIF, security code and time, each with its own refusal.

The request's form is taken from one public program; the sentences of the refusals are ours.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from sandbox.core.clock import LISBON

from .document_request import Refusal
from .entities import Entity
from .program_state import ProgramState
from .wire import Call

WINDOW = timedelta(minutes=10)


def authenticate(program: ProgramState, call: Call) -> Entity:
    """Return the entity for which the call may act.

    Raises Refusal when one of the five credentials is wrong.
    """
    entity = program.entities.get(call.entity)
    if entity is None:
        raise Refusal("Entidade inexistente.")
    if not entity.active_since:
        raise Refusal("Integração inativa.")
    code, secret = credentials(program, entity)
    if not hmac.compare_digest(call.code.encode(), code.encode()):
        others = [
            credentials(program, other)[0] for other in program.entities.values() if other is not entity
        ]
        raise Refusal(
            "O código de integração não pertence a esta entidade."
            if call.code in others
            else "Código de integração inválido."
        )
    if call.nif != entity.nif:
        raise Refusal("O NIF não corresponde à entidade.")
    wanted = hashlib.sha1((secret + call.timestamp).encode()).hexdigest()
    if not hmac.compare_digest(call.digest.encode(), wanted.encode()):
        raise Refusal("Código de segurança inválido.")
    _check_time(program, call.timestamp)
    return entity


def credentials(program: ProgramState, entity: Entity) -> tuple[str, str]:
    """Return the required `codigo` and the secret from which `chave` is made, in the order that the switch says."""
    key, code = entity.keys(program.seed)
    return (code, key) if program.switches["keys"] == "swapped" else (key, code)


def _check_time(program: ProgramState, timestamp: str) -> None:
    try:
        sent_at = datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=LISBON)
    except ValueError:
        raise Refusal("Data do pedido inválida.") from None
    if program.switches["time-window"] == "off":
        return
    # In UTC, because Python subtracts two times of one zone by their local wall-clock time.
    now = program.clock.now().astimezone(UTC)
    # The hour that occurs twice in October may be read either way.
    if all(abs(sent_at.replace(fold=fold).astimezone(UTC) - now) > WINDOW for fold in (0, 1)):
        raise Refusal("Pedido fora do prazo: verifique a hora.")
