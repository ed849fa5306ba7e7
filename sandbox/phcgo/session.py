"""Log-in, the proof of a session in each call, expiry, and the lock after failed log-ins.

How long sessions live and how a call with an expired one is answered is not public, hence the switches.
"""

from __future__ import annotations

import hmac

from flask import Response, redirect

from .program_state import ProgramState, Session
from .wire import Call, RawResponse, Refusal, Row

MAX_SESSIONS = 3
LOGIN_PAGE = (
    '<!DOCTYPE html><html lang="pt"><head><title>PHC GO</title></head><body><h1>PHC GO</h1>'
    '<form method="post"><input name="userCode"><input type="password" name="password"><button>Entrar</button>'
    "</form></body></html>"
)
NO_SESSION = Refusal("messages.Session.Invalid", "A sessão terminou. Volte a entrar.")


def login(program: ProgramState, call: Call) -> tuple[list[Row], Session]:
    """Log in and return the answer and the new session.

    Raises Refusal when user, password, token or company is wrong.
    """
    facts = program.installations[call.installation]
    user = call.text("userCode")
    who = (call.installation, user)
    if program.switches["lock-out"] == "after-5" and program.login_failures[who] >= 5:
        raise _login_refusal(program, "messages.Login.UserLocked", "O utilizador está bloqueado.")
    if not _is_equal(user, facts["user"]):
        raise _failed_login(program, who, "messages.Login.InvalidUser", "Utilizador inexistente.")
    if not _is_equal(call.form.get("password", ""), facts["password"]):
        raise _failed_login(program, who, "messages.Login.InvalidPassword", "A palavra-passe está errada.")
    if not _is_equal(call.form.get("applicationType", ""), program.token(call.installation)):
        raise _failed_login(
            program, who, "messages.Login.InvalidApplication", "A aplicação não está autorizada."
        )
    database = program.find_database(call.installation, call.text("company"))
    if database is None:
        raise _failed_login(program, who, "messages.Login.InvalidCompany", "A empresa não existe.")
    program.login_failures.pop(who, None)
    _limit_sessions(program, call.installation, user)
    session = program.open_session(call.installation, database.code, user)
    result: Row = {
        "username": user,
        "usercode": user,
        "company": database.code,
        "nome": database.facts["name"],
        "lang": "pt",
    }
    if program.switches["engine-auth"] == "body":
        result["engineAuth"] = session.engine_auth
    return [result], session


def _is_equal(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _failed_login(program: ProgramState, who: tuple[str, str], code: str, text: str) -> Exception:
    program.login_failures[who] += 1
    return _login_refusal(program, code, text)


def _login_refusal(program: ProgramState, code: str, text: str) -> Exception:
    if program.switches["wrong-login"] == "empty":
        return RawResponse(Response("", content_type="application/json"))
    return Refusal(code, text)


def _limit_sessions(program: ProgramState, path: str, user: str) -> None:
    mine = [one for one in program.sessions.values() if (one.installation, one.user) == (path, user)]
    policy = program.switches["parallel-sessions"]
    mine = [one for one in mine if not _is_expired(program, one)]
    if len(mine) < MAX_SESSIONS or policy == "accepted":
        return
    if policy == "refused":
        raise _login_refusal(
            program, "messages.Login.TooManySessions", "Há demasiadas sessões deste utilizador."
        )
    for one in sorted(mine, key=lambda each: each.last)[: len(mine) - MAX_SESSIONS + 1]:
        del program.sessions[one.cookie]


def require_session(program: ProgramState, call: Call) -> Session:
    """Return the session of the call. Raises the answer to a call without one."""
    session = _find_session(program, call)
    if session is None or session.installation != call.installation:
        raise no_session_error(program)
    if _is_expired(program, session):
        del program.sessions[session.cookie]
        raise no_session_error(program)
    session.calls += 1
    session.last = program.clock.now().timestamp()
    return session


def _find_session(program: ProgramState, call: Call) -> Session | None:
    by_cookie = program.sessions.get(call.cookie)
    by_proof = next(
        (
            one
            for one in program.sessions.values()
            if call.engine_auth and _is_equal(call.engine_auth, one.engine_auth)
        ),
        None,
    )
    # When login returns no value, a call cannot send one.
    wanted = "cookie" if program.switches["engine-auth"] == "none" else program.switches["session-proof"]
    if wanted == "cookie":
        return by_cookie
    if wanted == "engine-auth":
        return by_proof
    if wanted == "either":
        return by_cookie or by_proof
    return by_cookie if by_cookie is by_proof else None


def _is_expired(program: ProgramState, session: Session) -> bool:
    life, idle = program.switches["session-life"], program.clock.now().timestamp() - session.last
    return {
        "20-minutes-idle": idle > 1200,
        "1-minute": idle > 60,
        "6-calls": session.calls >= 6,
        "never": False,
    }[life]


def no_session_error(program: ProgramState) -> Exception:
    """Return the error that answers a call without a session."""
    answer = program.switches["session-answer"]
    if answer == "message":
        return NO_SESSION
    if answer == "401":
        return RawResponse(Response("Unauthorized", 401, mimetype="text/plain"))
    if answer == "empty":
        return RawResponse(Response("", content_type="application/json"))
    if answer == "redirect":
        return RawResponse(redirect("/login.aspx"))  # type: ignore[arg-type]
    return RawResponse(Response(LOGIN_PAGE, mimetype="text/html"))


def logout(program: ProgramState, call: Call) -> list[Row]:
    """End the session."""
    session = _find_session(program, call)
    if session:
        del program.sessions[session.cookie]
    return []


def back_end_info(program: ProgramState, call: Call) -> list[Row]:
    """Return the installation's plan."""
    return [{"gama": program.installations[call.installation]["plan"], "versao": "sandbox"}]
