"""The scans find what they are for."""

from __future__ import annotations

import json

import pytest

from dev import scans


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("GitHub Token", "ghp" + "_" + "a1B2" * 9),
        ("Private Key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("Basic Auth Credentials", "https://merchant:" + "s3cr3tword" + "@db.example/app"),
    ],
)
def test_a_secret_in_any_line_is_found(kind: str, value: str) -> None:
    found = list(scans.find_secrets(f"x = 1\ny = {value!r}\n"))
    assert [each for each, _ in found] == [kind]


def test_the_audit_names_what_is_vulnerable_and_counts_what_could_not_be_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fine = {"name": "fine", "version": "1", "vulns": []}
    bad = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-2026-1"}]}
    unknown = {"name": "unknown", "version": "3", "skip_reason": "not found"}
    assert scans.report_audit([fine, unknown])
    assert not scans.report_audit([fine, bad, unknown])
    printed = capsys.readouterr().out
    assert "vulnerable: bad 2: " + json.dumps(bad["vulns"]) in printed
    assert "audit: 3 packages, 1 vulnerable, 1 could not be asked about" in printed
