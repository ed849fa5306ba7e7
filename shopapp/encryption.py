"""Encrypt values at rest, bound to their row, with several keys so that they can rotate.

AES-GCM. The key's id is stored first; table, column and the row's random uid are the associated data, so that a
value copied into another row or column does not decrypt. Stores and logs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

_NONCE = 12


class DecryptionError(Exception):
    """The value does not decrypt: an unknown key, changed bytes, or another row's value."""


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Return the 32-byte keys of comma-separated base64, newest first. Raises ValueError when one is malformed."""
    keys = tuple(base64.b64decode(part.strip(), validate=True) for part in text.split(",") if part.strip())
    if not keys or any(len(key) != 32 for key in keys):
        raise ValueError("every key is 32 bytes in base64")
    return keys


@cache
def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"quick-invoice key id" + key).digest()[:4]


def _keys() -> tuple[bytes, ...]:
    keys: tuple[bytes, ...] = current_app.config["SEAL_KEYS"]
    return keys


def encrypt(value: bytes, where: str) -> bytes:
    """Encrypt the value with the newest key, bound to `where` (table, column and row)."""
    key = _keys()[0]
    nonce = os.urandom(_NONCE)
    return _key_id(key) + nonce + AESGCM(key).encrypt(nonce, value, where.encode())


def decrypt(encrypted: bytes, where: str) -> bytes:
    """Decrypt a value that was encrypted for `where`. Raises DecryptionError when no key does."""
    key_id, nonce, rest = encrypted[:4], encrypted[4 : 4 + _NONCE], encrypted[4 + _NONCE :]
    for key in _keys():
        if hmac.compare_digest(_key_id(key), key_id):
            try:
                return AESGCM(key).decrypt(nonce, rest, where.encode())
            except InvalidTag as broken:
                raise DecryptionError(where) from broken
    raise DecryptionError(where)


def keyed_hashes(value: str) -> list[str]:
    """Return keyed hashes of the value, newest key first: equal values can be found, but not read."""
    return [hmac.new(key, b"mark" + value.encode(), hashlib.sha256).hexdigest()[:32] for key in _keys()]
