"""The name of a browser as people know it, from its User-Agent; enough to tell one's own sessions apart."""

from __future__ import annotations

_FAMILIES = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
"""Signs in a User-Agent and what they mean. The first that is found counts: later ones stand there for old sites."""


def browser_name(user_agent: str) -> str:
    """Return family and system, such as `Firefox, Windows`; empty when neither is known."""
    found = [
        next((name for sign, name in signs if sign in user_agent), "") for signs in (_FAMILIES, _SYSTEMS)
    ]
    return ", ".join(filter(None, found))
