"""The address of a PHC GO installation: what a merchant pastes becomes one permitted address, or is refused.

Checked before every call, not only when the credentials are saved. It resolves no host name and sends nothing: which IP
addresses a name may lead to is guarded by the HTTP client.

Source: the forms of the address in docs/phcgo.md, "Address"; the guards in docs/security.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from shopapp.errors import CredentialsError
from shopapp.providers.answered_urls import is_allowed_host

_MAX_LENGTH = 200
_LOOPBACK = re.compile(r"http://((?:127\.0\.0\.1|localhost):[1-9][0-9]{0,4})((?:/.*)?)", re.ASCII)
_HTTPS_URL = re.compile(r"https://([a-z0-9.-]{1,253})(?::443)?((?:/.*)?)", re.ASCII | re.IGNORECASE)
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,79}")
_MAX_SEGMENTS = 4
# merchants paste the page that they were on, or the service path of a manual
_TRAILING_PAGE = re.compile(r"/(html|phcws|rest)$", re.IGNORECASE)


def installation_url(typed: str, hosts: Collection[str], loopback: str = "") -> str:
    """Return the address of the installation without a slash at its end.

    `hosts` are the host names that the operator permits; one with a leading dot permits all subdomains. `loopback` is
    the one local address permitted over plain http, for development. Raises CredentialsError `keys-refused` with field
    `url`.
    """
    text = typed.strip(" ")
    if not text or len(text) > _MAX_LENGTH or not text.isascii() or not text.isprintable():
        _refuse("address-shape")
    if loopback and (local := _LOOPBACK.fullmatch(text)) and local[1] == loopback:
        return f"http://{loopback}{_clean_path(local[2])}"
    if "://" not in text:
        text = f"https://{text}"
    found = _HTTPS_URL.fullmatch(text)
    if found is None:
        _refuse("address-shape")
    host = found[1].lower()
    if not is_allowed_host(host, hosts):
        _refuse("address-foreign")
    return f"https://{host}{_clean_path(found[2])}"


def _clean_path(text: str) -> str:
    """Return the path without trailing slashes, and without a page or service of the installation."""
    path = text.rstrip("/")
    while _TRAILING_PAGE.search(path):
        path = _TRAILING_PAGE.sub("", path).rstrip("/")
    segments = path.split("/")[1:]
    if len(segments) > _MAX_SEGMENTS or not all(_SEGMENT.fullmatch(one) for one in segments):
        _refuse("address-shape")
    return path


def _refuse(kind: str) -> NoReturn:
    raise CredentialsError("keys-refused", field="url", kind=kind, answer="")
