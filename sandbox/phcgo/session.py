"""Who may call: login, the proof that each call must carry, the end of sessions, the lock after failures.

Called by the service before a method runs. How long sessions live and what they answer when they are over is not
public: switches.
"""

from __future__ import annotations

import hmac

from flask import Response, redirect

from .office import Office, Session
from .wire import Call, Refusal, Row, Unanswered

AT_MOST = 3
LOGIN_PAGE = (
    '<!DOCTYPE html><html lang="pt"><head><title>PHC GO</title></head><body><h1>PHC GO</h1>'
    '<form method="post"><input name="userCode"><input type="password" name="password"><button>Entrar</button>'
    "</form></body></html>"
)
NO_SESSION = Refusal("messages.Session.Invalid", "A sessão terminou. Volte a entrar.")


def login(office: Office, call: Call) -> tuple[list[Row], Session]:
    """What login answers, and the session; Refusal when user, password, token or company is wrong."""
    facts = office.installations[call.installation]
    user = call.text("userCode")
    who = (call.installation, user)
    if office.switches["lock-out"] == "after-5" and office.failures[who] >= 5:
        raise _refused(office, "messages.Login.UserLocked", "O utilizador está bloqueado.")
    if not _same(user, facts["user"]):
        raise _failed(office, who, "messages.Login.InvalidUser", "Utilizador inexistente.")
    if not _same(call.form.get("password", ""), facts["password"]):
        raise _failed(office, who, "messages.Login.InvalidPassword", "A palavra-passe está errada.")
    if not _same(call.form.get("applicationType", ""), office.token(call.installation)):
        raise _failed(office, who, "messages.Login.InvalidApplication", "A aplicação não está autorizada.")
    base = office.base(call.installation, call.text("company"))
    if base is None:
        raise _failed(office, who, "messages.Login.InvalidCompany", "A empresa não existe.")
    office.failures.pop(who, None)
    _make_room(office, call.installation, user)
    session = office.open_session(call.installation, base.code, user)
    result: Row = {
        "username": user,
        "usercode": user,
        "company": base.code,
        "nome": base.facts["name"],
        "lang": "pt",
    }
    if office.switches["engine-auth"] == "body":
        result["engineAuth"] = session.proof
    return [result], session


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _failed(office: Office, who: tuple[str, str], code: str, text: str) -> Exception:
    office.failures[who] += 1
    return _refused(office, code, text)


def _refused(office: Office, code: str, text: str) -> Exception:
    if office.switches["wrong-login"] == "empty":
        return Unanswered(Response("", content_type="application/json"))
    return Refusal(code, text)


def _make_room(office: Office, path: str, user: str) -> None:
    mine = [one for one in office.sessions.values() if (one.installation, one.user) == (path, user)]
    policy = office.switches["parallel-sessions"]
    mine = [one for one in mine if not _over(office, one)]
    if len(mine) < AT_MOST or policy == "accepted":
        return
    if policy == "refused":
        raise _refused(office, "messages.Login.TooManySessions", "Há demasiadas sessões deste utilizador.")
    for one in sorted(mine, key=lambda each: each.last)[: len(mine) - AT_MOST + 1]:
        del office.sessions[one.cookie]


def admit(office: Office, call: Call) -> Session:
    """The session that the call belongs to; raises what a call without one is answered."""
    session = _found(office, call)
    if session is None or session.installation != call.installation:
        raise lost(office)
    if _over(office, session):
        del office.sessions[session.cookie]
        raise lost(office)
    session.calls += 1
    session.last = office.clock.now().timestamp()
    return session


def _found(office: Office, call: Call) -> Session | None:
    by_cookie = office.sessions.get(call.cookie)
    by_proof = next(
        (one for one in office.sessions.values() if call.proof and _same(call.proof, one.proof)), None
    )
    # where login tells no value, none can be asked for
    wanted = "cookie" if office.switches["engine-auth"] == "none" else office.switches["session-proof"]
    if wanted == "cookie":
        return by_cookie
    if wanted == "engine-auth":
        return by_proof
    if wanted == "either":
        return by_cookie or by_proof
    return by_cookie if by_cookie is by_proof else None


def _over(office: Office, session: Session) -> bool:
    life, idle = office.switches["session-life"], office.clock.now().timestamp() - session.last
    return {
        "20-minutes-idle": idle > 1200,
        "1-minute": idle > 60,
        "6-calls": session.calls >= 6,
        "never": False,
    }[life]


def lost(office: Office) -> Exception:
    """What a call without a session is answered."""
    answer = office.switches["session-answer"]
    if answer == "message":
        return NO_SESSION
    if answer == "401":
        return Unanswered(Response("Unauthorized", 401, mimetype="text/plain"))
    if answer == "empty":
        return Unanswered(Response("", content_type="application/json"))
    if answer == "redirect":
        return Unanswered(redirect("/login.aspx"))  # type: ignore[arg-type]
    return Unanswered(Response(LOGIN_PAGE, mimetype="text/html"))


def logout(office: Office, call: Call) -> list[Row]:
    """Nothing to tell; the session is over."""
    session = _found(office, call)
    if session:
        del office.sessions[session.cookie]
    return []


def back_end(office: Office, call: Call) -> list[Row]:
    """The installation's plan."""
    return [{"gama": office.installations[call.installation]["plan"], "versao": "sandbox"}]
