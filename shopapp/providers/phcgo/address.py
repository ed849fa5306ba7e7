"""Where an installation of PHC GO is: what a merchant pastes, made into one address that may be called, or refused.

Called by the session beside it before every call, not only when the keys are saved. It resolves no name and sends
nothing: which addresses a name may lead to is guarded by the wire.

Source: the forms of the address in phcgo.md section 1; the guards of security.md section 4.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from shopapp.fiscal.errors import CredentialsError

_LONGEST = 200
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}")
_LOOPBACK = re.compile(r"http://((?:127\.0\.0\.1|localhost):[1-9][0-9]{0,4})((?:/.*)?)", re.ASCII)
_ADDRESS = re.compile(r"https://([a-z0-9.-]{1,253})(?::443)?((?:/.*)?)", re.ASCII | re.IGNORECASE)
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,79}")
_MOST_SEGMENTS = 4
# what merchants copy along: the page that they were on, or the service that a manual names
_TAIL = re.compile(r"/(html|phcws|rest)$", re.IGNORECASE)


def installation(typed: str, hosts: Collection[str], loopback: str = "") -> str:
    """The address of the installation without a slash at its end. CredentialsError `keys-refused` of field `url`.

    `hosts` are the names that the operator admits, one with a point in front standing for all beneath it;
    `loopback` is the one address on this machine that is admitted over plain http, in development.
    """
    text = typed.strip(" ")
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        _refused("address-shape")
    if loopback and (inside := _LOOPBACK.fullmatch(text)) and inside[1] == loopback:
        return f"http://{loopback}{_path(inside[2])}"
    if "://" not in text:
        text = f"https://{text}"
    found = _ADDRESS.fullmatch(text)
    if found is None:
        _refused("address-shape")
    host = found[1].lower()
    if not _HOST.fullmatch(host) or not any(_admits(one, host) for one in hosts):
        _refused("address-foreign")
    return f"https://{host}{_path(found[2])}"


def _admits(admitted: str, host: str) -> bool:
    return host.endswith(admitted) if admitted.startswith(".") else host == admitted


def _path(text: str) -> str:
    """The path without slashes at its end, and without what belongs to a page or a service of the installation."""
    path = text.rstrip("/")
    while _TAIL.search(path):
        path = _TAIL.sub("", path).rstrip("/")
    segments = path.split("/")[1:]
    if len(segments) > _MOST_SEGMENTS or not all(_SEGMENT.fullmatch(one) for one in segments):
        _refused("address-shape")
    return path


def _refused(kind: str) -> NoReturn:
    raise CredentialsError("keys-refused", field="url", kind=kind, answer="")
