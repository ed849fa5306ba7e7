"""Encrypted values decrypt only with a known key, at their own place."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from flask import Flask

from shopapp import encryption


@pytest.fixture
def keys() -> Any:
    app = Flask("bare")
    app.config["SEAL_KEYS"] = (os.urandom(32),)
    with app.app_context():
        yield app


def test_an_encrypted_value_decrypts(keys: Flask) -> None:
    assert (
        encryption.decrypt(encryption.encrypt("olá €".encode(), "store.token.1"), "store.token.1").decode()
        == "olá €"
    )


def test_a_value_copied_into_another_row_does_not_decrypt(keys: Flask) -> None:
    kept = encryption.encrypt(b"secret", "store.token.1")
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt(kept, "store.token.2")


def test_the_same_value_never_looks_the_same(keys: Flask) -> None:
    assert encryption.encrypt(b"secret", "x") != encryption.encrypt(b"secret", "x")


def test_an_old_key_still_decrypts_and_the_newest_encrypts(keys: Flask) -> None:
    old = encryption.encrypt(b"secret", "x")
    first = keys.config["SEAL_KEYS"]
    keys.config["SEAL_KEYS"] = (os.urandom(32), *first)
    assert encryption.decrypt(old, "x") == b"secret"
    new = encryption.encrypt(b"secret", "x")
    keys.config["SEAL_KEYS"] = keys.config["SEAL_KEYS"][:1]
    assert encryption.decrypt(new, "x") == b"secret"
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt(old, "x")


@pytest.mark.parametrize("at", [0, 5, 20, -1])
def test_a_changed_byte_does_not_decrypt(keys: Flask, at: int) -> None:
    kept = bytearray(encryption.encrypt(b"a secret that is long enough", "x"))
    kept[at] ^= 1
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt(bytes(kept), "x")


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "not base64!"])
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        encryption.parse_keys(text)


def test_equal_values_have_equal_unreadable_hashes(keys: Flask) -> None:
    assert encryption.marks_of("123456789") == encryption.marks_of("123456789")
    assert "123456789" not in "".join(encryption.marks_of("123456789"))
