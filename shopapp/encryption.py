"""Encrypt values at rest, bound to their place, with several keys so that they can rotate.

AES-GCM. The key's id is stored first; table, column and mostly the row's random uid are the associated data, so that a
value copied into another row or column does not decrypt. Keyed marks are HMACs, so that equal values can be found and
not read; the key's id stands first here too. Stores and logs nothing.
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
KEY_ID_BYTES = 4
MARK_CHARS = 32
"""A mark: the key's id in hex, a colon, and 23 hex digits (92 bits) of an HMAC-SHA256."""


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
    return hashlib.sha256(b"quick-invoice key id" + key).digest()[:KEY_ID_BYTES]


def _keys() -> tuple[bytes, ...]:
    keys: tuple[bytes, ...] = current_app.config["SEAL_KEYS"]
    return keys


def key_ids() -> list[str]:
    """Return the ids of our keys in hex, newest first; they are no secret."""
    return [_key_id(key).hex() for key in _keys()]


def encrypt(value: bytes, where: str) -> bytes:
    """Encrypt the value with the newest key, bound to `where` (table, column and row)."""
    key = _keys()[0]
    nonce = os.urandom(_NONCE)
    return _key_id(key) + nonce + AESGCM(key).encrypt(nonce, value, where.encode())


def decrypt(encrypted: bytes, where: str) -> bytes:
    """Decrypt a value that was encrypted for `where`. Raises DecryptionError when no key does."""
    nonce_at, rest_at = KEY_ID_BYTES, KEY_ID_BYTES + _NONCE
    key_id, nonce, rest = encrypted[:nonce_at], encrypted[nonce_at:rest_at], encrypted[rest_at:]
    for key in _keys():
        if hmac.compare_digest(_key_id(key), key_id):
            try:
                return AESGCM(key).decrypt(nonce, rest, where.encode())
            except InvalidTag as broken:
                raise DecryptionError(where) from broken
    raise DecryptionError(where)


def keyed_hashes(value: str) -> list[tuple[str, str]]:
    """Return by each of our keys, newest first, its id and the value's HMAC-SHA256, both in hex."""
    return [
        (_key_id(key).hex(), hmac.new(key, b"mark" + value.encode(), hashlib.sha256).hexdigest())
        for key in _keys()
    ]


def marks_of(value: str) -> list[str]:
    """Return the value's marks by each of our keys, newest first, then those that earlier releases wrote.

    What is stored is the first; to find a value, ask for all of them.
    """
    hashes = keyed_hashes(value)
    return [f"{key_id}:{found}"[:MARK_CHARS] for key_id, found in hashes] + [
        found[:MARK_CHARS] for _, found in hashes
    ]
