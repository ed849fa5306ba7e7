"""An address out of an answer is fetched only at the provider's own host or one that the operator named."""

from __future__ import annotations

import pytest

from shopapp.providers.answered_urls import is_allowed_url

CONFIGURED, HOSTS = "https://www.igest.pt/igest/webservice.php", (".files.example", "cdn.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.igest.pt/pdf/1.pdf?k=a%20b", "https://WWW.IGEST.PT:443/1.pdf", "https://www.igest.pt",
        "https://a.files.example/1", "https://cdn.example/1",
    ],
)  # fmt: skip
def test_the_configured_host_and_those_of_the_operator_are_allowed(url: str) -> None:
    assert is_allowed_url(url, CONFIGURED, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "", "//www.igest.pt/1", "http://www.igest.pt/1", "https://igest.pt/1", "https://www.igest.pt.evil.example/1",
        "https://www.igest.pt:8443/1", "https://www.igest.pt@evil.example/1", "https://user:p@www.igest.pt/1",
        "https://www.igest.pt\\@evil.example/1", "https://files.example/1", "https://evilfiles.example/1",
        "https://xcdn.example/1", "https://127.0.0.1/1", "https://[::1]/1", "https://2130706433/1", "https://0x7f.1/1",
        "https://www.igest.pt/1\r\nX: y", "https://www.igest.pt /1", "https://cdn.ex\u00e4mple/1", "ftp://cdn.example/1",
        " https://cdn.example/1", "https://cdn.example./1", "https://cdn.example#@evil.example",
    ],
)  # fmt: skip
def test_every_other_address_is_refused(url: str) -> None:
    assert not is_allowed_url(url, CONFIGURED, HOSTS)


def test_the_sandbox_is_allowed_by_its_very_origin_alone() -> None:
    sandbox = "http://127.0.0.1:5005/webservice.php"
    assert is_allowed_url("http://127.0.0.1:5005/pdf/1.pdf", sandbox, ())
    for url in (
        "http://127.0.0.1:5006/1",
        "http://127.0.0.1:50055/1",
        "https://127.0.0.1/1",
        "http://127.0.0.1/1",
    ):
        assert not is_allowed_url(url, sandbox, ())
