"""A new sealing key during a run: added, everything encrypted with it beside the work, the old key removed.

The steps are those of docs/operating.md, each a rolling restart: the new key behind the old one, then in front of it,
then `flask reseal` until nothing needs the old one, then the new one alone. `flask reseal` is killed too.
"""

from __future__ import annotations

import base64
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dev.browser import Browser
from dev.local_stack import APP_PROCESSES, ROOT, LocalStack

from .timings import Interval

ADD_AT, NEWEST_AT = 0.2, 0.3
"""The shares of the strikes after which the new key is added behind the old one, and put in front of it."""
KILL_SECONDS = (0.5, 3.0)
"""How long after its start the first `flask reseal` is killed."""
PAUSE_SECONDS = 3.0
"""The time between two runs of `flask reseal`."""
PAGES = ("/", "/documents", "/documents?estado=espera", "/reports", "/products", "/products/changes", "/setup",
         "/setup/sessions", "/decisions", "/help")  # fmt: skip


@dataclass
class OpenedPages:
    """The pages and searches that were tried after the old key was removed."""

    opened: int = 0
    closed: list[str] = field(default_factory=list)
    """The pages that did not open, with their status."""
    found: int = 0
    """The orders of before that a search by tax id found."""
    searches: int = 0
    not_found: list[str] = field(default_factory=list)


class KeyChange:
    """The change of the key of one stack; `restart` restarts every process of the app, while they are
    killed, with these settings."""

    def __init__(self, stack: LocalStack, restart: Callable[[Mapping[str, str]], None], seed: str) -> None:
        self.stack, self._restart = stack, restart
        source = random.Random(seed + "key")
        self.old, self.new = stack.env["SEAL_KEYS"], base64.b64encode(source.randbytes(32)).decode()
        self.changed_at = 0.0
        """When every process had the new key in front."""
        self.runs: Counter[str] = Counter()
        """How the runs of `flask reseal` ended: done, killed, struck (the database was away)."""
        self.errors: list[str] = []
        self.failed: list[tuple[Interval, str]] = []
        """The runs that failed, with their last words."""
        self.pages = OpenedPages()
        self._kill_after = source.uniform(*KILL_SECONDS)
        self._steps = [(ADD_AT, f"{self.old},{self.new}"), (NEWEST_AT, f"{self.new},{self.old}")]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._reseal_again_and_again, name="reseal")

    def advance(self, share: float) -> None:
        """Take the next step when that share of the strikes is done."""
        while self._steps and share >= self._steps[0][0]:
            self._use(self._steps.pop(0)[1])
            if not self._steps:
                self.changed_at = time.time()
                self._thread.start()

    def finish(self, downtimes: list[Interval]) -> None:
        """Encrypt the rest, remove the old key and restart. `downtimes` excuse a run of `flask reseal` that failed."""
        self.advance(1.0)
        self._stopped.set()
        self._thread.join()
        for (began, ended), words in self.failed:
            struck = any(first <= ended and began <= last for first, last in downtimes)
            self.runs["struck" if struck else "failed"] += 1
            self.errors += [] if struck else [f"flask reseal: {words}"]
        last = self.stack.flask("reseal")
        if last.returncode or "nothing needs it: it may be removed" not in last.stdout:
            self.errors.append(f"the old key is still needed: {last.stdout[-1500:]} {last.stderr[-500:]}")
        self.stack.env["SEAL_KEYS"] = self.new
        for name in APP_PROCESSES:
            self.stack.restart(name, {"SEAL_KEYS": self.new})
            if "DecryptionError" in self.stack.log(name):
                self.errors.append(f"{name} could not decrypt: {_around(self.stack.log(name))}")

    def open_pages(self, browser: Browser, buyers: Mapping[str, str], paid: Mapping[str, float]) -> None:
        """Open every page of the store, and search by the tax id of each buyer (`buyers` by order)."""
        for path in PAGES:
            self._open(browser, path)
        for path in self._document_paths(browser):
            self._open(browser, path)
        before = {
            order: buyers[order] for order, at in paid.items() if at < self.changed_at and order in buyers
        }
        for tax_id in sorted(set(before.values())):
            expected = {order for order, one in before.items() if one == tax_id}
            missing = expected - self._orders_found(browser, tax_id)
            self.pages.searches += 1
            self.pages.found += len(expected) - len(missing)
            self.pages.not_found += [f"#{order} not found by its tax id" for order in sorted(missing)]

    @property
    def wrong(self) -> list[str]:
        """Return what went wrong."""
        done = (
            [] if self.runs["done"] and self.runs["killed"] else [f"reseal was not tried: {dict(self.runs)}"]
        )
        searched = [] if self.pages.found else ["nothing that was sealed before was searched for"]
        return [
            f"keys: {line}"
            for line in (*self.errors, *done, *self.pages.closed, *searched, *self.pages.not_found)
        ]

    @property
    def lines(self) -> list[str]:
        """Return the figures as they are printed."""
        runs, pages = ", ".join(f"{how} {times}" for how, times in sorted(self.runs.items())), self.pages
        return [
            f"keys        flask reseal under fire: {runs}; {len(self.errors)} errors; old key removed, {pages.opened}"
            f" pages opened, {len(pages.closed)} did not; {pages.found} orders sealed before found by"
            f" {pages.searches} tax ids, {len(pages.not_found)} not"
        ]

    def _use(self, keys: str) -> None:
        self.stack.env["SEAL_KEYS"] = keys
        self._restart({"SEAL_KEYS": keys})

    def _reseal_again_and_again(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "reseal"]
        while not self._stopped.is_set():
            began, log = time.time(), self.stack.logs / "reseal.log"
            with log.open("ab") as out:
                start = out.tell()
                running = subprocess.Popen(command, cwd=ROOT, env=self.stack.env, stdout=out, stderr=out)
                if not self.runs["killed"]:
                    self._stopped.wait(self._kill_after)
                    running.kill()
            status = running.wait()
            if status < 0:
                self.runs["killed"] += 1
            elif status:
                words = log.read_text(errors="replace")[start:]
                self.failed.append(((began, time.time()), words[-600:]))
            else:
                self.runs["done"] += 1
            self._stopped.wait(PAUSE_SECONDS)

    def _open(self, browser: Browser, path: str) -> None:
        browser.open(f"{self.stack.app_url}{path}")
        self.pages.opened += 1
        if browser.status != 200:
            self.pages.closed.append(f"{path} answered {browser.status}")

    def _document_paths(self, browser: Browser) -> list[str]:
        found, older = [], "/documents"
        while older:
            self._open(browser, older)
            found += [target for row in browser.rows for target, _ in row.links[:1]]
            older = _older(browser)
        return found

    def _orders_found(self, browser: Browser, text: str) -> set[str]:
        browser.open(f"{self.stack.app_url}/documents").send("q", q=text)
        found: set[str] = set()
        while True:
            found |= {order for row in browser.rows for order in re.findall(r"#(\d+)", row.text)}
            older = _older(browser)
            if not older:
                return found
            browser.open(older)


def _older(browser: Browser) -> str:
    """Return the address of the next page of the list, empty on the last one."""
    return next((target for target, words in browser.links if words == "Mais antigos"), "")


def _around(text: str) -> str:
    at = text.index("DecryptionError")
    return text[max(0, at - 400) : at + 200]
