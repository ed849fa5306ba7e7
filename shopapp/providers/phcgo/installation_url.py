"""Where an installation of PHC GO is: what a merchant pastes, made into one address that may be called, or refused.

Called by the session beside it before every call, not only when the keys are saved. It resolves no name and sends
nothing: which addresses a name may lead to is guarded by the wire.

Source: the forms of the address in phcgo.md section 1; the guards of security.md section 4.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from shopapp.errors import CredentialsError

_MAX_LENGTH = 200
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}")
_LOOPBACK = re.compile(r"http://((?:127\.0\.0\.1|localhost):[1-9][0-9]{0,4})((?:/.*)?)", re.ASCII)
_HTTPS_URL = re.compile(r"https://([a-z0-9.-]{1,253})(?::443)?((?:/.*)?)", re.ASCII | re.IGNORECASE)
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,79}")
_MAX_SEGMENTS = 4
# what merchants copy along: the page that they were on, or the service that a manual names
_TRAILING_PAGE = re.compile(r"/(html|phcws|rest)$", re.IGNORECASE)


def installation_url(typed: str, hosts: Collection[str], loopback: str = "") -> str:
    """The address of the installation without a slash at its end. CredentialsError `keys-refused` of field `url`.

    `hosts` are the names that the operator admits, one with a point in front standing for all beneath it;
    `loopback` is the one address on this machine that is admitted over plain http, in development.
    """
    text = typed.strip(" ")
    if not text or len(text) > _MAX_LENGTH or not text.isascii() or not text.isprintable():
        _refuse("address-shape")
    if loopback and (inside := _LOOPBACK.fullmatch(text)) and inside[1] == loopback:
        return f"http://{loopback}{_clean_path(inside[2])}"
    if "://" not in text:
        text = f"https://{text}"
    found = _HTTPS_URL.fullmatch(text)
    if found is None:
        _refuse("address-shape")
    host = found[1].lower()
    if not _HOST.fullmatch(host) or not any(_is_allowed_host(one, host) for one in hosts):
        _refuse("address-foreign")
    return f"https://{host}{_clean_path(found[2])}"


def _is_allowed_host(admitted: str, host: str) -> bool:
    return host.endswith(admitted) if admitted.startswith(".") else host == admitted


def _clean_path(text: str) -> str:
    """The path without slashes at its end, and without what belongs to a page or a service of the installation."""
    path = text.rstrip("/")
    while _TRAILING_PAGE.search(path):
        path = _TRAILING_PAGE.sub("", path).rstrip("/")
    segments = path.split("/")[1:]
    if len(segments) > _MAX_SEGMENTS or not all(_SEGMENT.fullmatch(one) for one in segments):
        _refuse("address-shape")
    return path


def _refuse(kind: str) -> NoReturn:
    raise CredentialsError("keys-refused", field="url", kind=kind, answer="")
