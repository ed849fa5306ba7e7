"""A merchant's open page during the run: the states it shows, and how long after the event it shows them.

Reads the rows of the listing every three seconds, as the page's own script does, and continues when the app is
down; never presses anything.
"""

from __future__ import annotations

import re
import threading
import time

import requests

from dev.browser import Browser

EVERY_SECONDS = 3.0
"""As in static/listing.js."""
_ROW = re.compile(r'<tr id="d(\d+)" data-version="([\d.]+)-')


class OpenListing:
    """One tab of the listing, and when it first showed each state of each row."""

    def __init__(self, address: str, cookies: requests.cookies.RequestsCookieJar) -> None:
        self.address = address
        self.shown: list[tuple[float, float]] = []
        """For each change that it showed: when it happened and when it was seen, in seconds since 1970."""
        self.failures = 0
        self._browser = Browser()
        self._browser.session.cookies.update(cookies)
        self._versions: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        """Start reading; rows that are shown already do not count."""
        self._poll()
        self.shown.clear()
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                self._poll()
            except requests.RequestException:
                self.failures += 1

    def _poll(self) -> None:
        page = self._browser.open(self.address)
        now = time.time()
        if page.status != 200:
            self.failures += 1
            return
        for number, version in _ROW.findall(page.body.decode()):
            changed = float(version)
            if changed > self._versions.get(number, 0.0):
                self._versions[number] = changed
                self.shown.append((changed, now))
