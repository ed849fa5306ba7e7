"""Addresses that come out of a provider's answer: fetched only where the operator expects the provider's files.

An answer is not trusted to name a host, as the request comes from inside our network. Redirects are never followed
(`shopapp.http_client`), so no other address takes the place of a checked one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

_HTTPS = re.compile(r"https://(?P<host>[a-z0-9.-]{1,253})(?::443)?(?:[/?][!-~]*)?", re.IGNORECASE | re.ASCII)
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}")
"""A host name; the last label needs a letter, so no spelling of an IP address is one."""


def is_allowed_host(host: str, hosts: Collection[str]) -> bool:
    """Return whether the name is one of `hosts`; one with a leading dot stands for all of its subdomains."""
    return _HOST.fullmatch(host) is not None and any(
        host.endswith(allowed) if allowed.startswith(".") else host == allowed for allowed in hosts
    )


def is_allowed_url(url: str, configured: str, hosts: Collection[str]) -> bool:
    """Return whether an address out of an answer may be fetched.

    It is https at port 443 without user information, and its host is that of the `configured` address or one of
    `hosts`. The very origin of the configured address is allowed too, which is how the sandbox runs on loopback.
    """
    ours = urlsplit(configured)
    origin = f"{ours.scheme}://{ours.netloc}"
    if url.isascii() and url.isprintable() and re.match(re.escape(origin) + r"(?=[/?]|$)", url):
        return True
    found = _HTTPS.fullmatch(url)
    return found is not None and is_allowed_host(found["host"].lower(), (ours.hostname or "", *hosts))
