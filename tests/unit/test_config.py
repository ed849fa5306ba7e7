"""The app refuses to start and lists all settings that are missing or wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from shopapp import config

GOOD: dict[str, Any] = {
    "APP_URL": "https://faturas.example",
    "SECRET_KEY": "x" * 32,
    "SEAL_KEYS": base64.b64encode(bytes(32)).decode(),
    "DATABASE_URL": "postgresql://u@db.example/q?sslmode=verify-full",
    "REDIS_URL": "rediss://:word@redis.example",
    "JUMPSELLER_CLIENT_ID": "id",
    "JUMPSELLER_CLIENT_SECRET": "secret",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in config.SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)


def test_valid_settings_are_read() -> None:
    values = config.load(GOOD)
    assert values["DATABASE_URL"] == "postgresql+psycopg://u@db.example/q?sslmode=verify-full"
    assert values["JUMPSELLER_ADMIN_ORIGINS"] == ("https://*.jumpseller.com",)
    assert values["CALL_SECONDS"] == 45.0


def test_all_missing_settings_are_listed_together() -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.load({})
    named = [name for name in GOOD if f"{name} is missing" in str(refused.value)]
    assert named == list(GOOD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_URL", "faturas.example"),
        ("APP_URL", "http://faturas.example"),
        ("SECRET_KEY", "short"),
        ("SEAL_KEYS", "bm90IGEga2V5"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgresql://u@db.example/q"),
        ("DATABASE_URL", "postgresql://u@db.example/q?sslmode=require"),
        ("REDIS_URL", "redis.example"),
        ("REDIS_URL", "redis://:word@redis.example"),
        ("REDIS_URL", "rediss://redis.example"),
        ("REDIS_URL", "rediss://:word@redis.example?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://127.0.0.1.example"),
        ("SMTP_URL", "mail.example:25"),
        ("IGEST_URL", "http://igest.example"),
        ("PHCGO_HOSTS", "https://phcgo.example"),
        ("PHCGO_HOSTS", "10.0.0.1"),
        ("PHCGO_LOOPBACK", "127.0.0.1:5006"),
        ("PHCGO_LOOPBACK", "10.0.0.1:80"),
        ("WORKERS", "many"),
        ("ALLOW_PLAIN_HTTP", "1"),
    ],
)
def test_an_invalid_setting_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.load({**GOOD, name: value})
    assert name in str(refused.value)
    assert len(value) < 2 or value not in str(refused.value).replace("https://", "")


def test_the_environment_is_read_and_an_override_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert config.load({"APP_URL": "https://other.example"})["APP_URL"] == "https://other.example"


@pytest.mark.parametrize(
    "given",
    [
        {"REDIS_URL": "redis://127.0.0.1:6379", "DATABASE_URL": "postgresql://u@localhost/q"},
        {"REDIS_URL": "unix:///run/redis.sock", "DATABASE_URL": "sqlite:///q.db"},
        {
            "REDIS_URL": "redis://redis.example",
            "DATABASE_URL": "postgresql://u@db.example/q",
            "PRIVATE_NETWORK": "one private network of the hosting",
        },
    ],
)
def test_services_need_no_tls_on_loopback_or_where_the_operator_says_why(given: dict[str, str]) -> None:
    assert config.load({**GOOD, **given})["REDIS_URL"] == given["REDIS_URL"]
