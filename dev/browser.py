"""A browser without scripts: follow links and redirects, keep cookies, fill in and send the forms of a page.

Visits the real pages where no Chromium is needed. Sends Origin and Referer as browsers do, and accepts
`__Host-` cookies over plain http on loopback, as Chromium does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import requests
from requests.cookies import get_cookie_header


class StepFailed(AssertionError):
    """Raised when the page lacks the expected element; the message quotes the page."""


@dataclass
class Form:
    """A form of the page: its target and the fields that it would send unchanged."""

    action: str
    method: str
    ids: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Return the values that radios, checkboxes and selects offer."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Return (name, value, text) of each button."""


@dataclass
class Row:
    """A row of a table: its text and its links."""

    text: str
    links: list[tuple[str, str]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.rows: list[Row] = []
        self._row_start = (0, 0)
        self._form: Form | None = None
        self._select = ""
        self._open_elements: list[tuple[str, int, tuple[str, str]]] = []
        self._hidden_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("script", "style", "template"):
            self._hidden_depth += 1
        elif tag == "tr":
            self._row_start = (len(self.words), len(self.links))
        elif tag in ("a", "button"):
            target = given.get("href", "") if tag == "a" else given.get("name", "")
            self._open_elements.append((tag, len(self.words), (target, given.get("value", ""))))
        elif self._form is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            value = given.get("value", "")
            self._form.choices.setdefault(self._select, []).append(value)
            if "selected" in given or self._select not in self._form.values:
                self._form.values[self._select] = value
        elif tag == "textarea" and name:
            self._form.values[name] = ""
        elif tag == "input" and name and kind in ("radio", "checkbox"):
            value = given.get("value", "on")
            self._form.choices.setdefault(name, []).append(value)
            if "checked" in given:
                self._form.values[name] = value
        elif tag == "input" and name:
            self._form.values[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag in ("script", "style", "template"):
            self._hidden_depth -= 1
        elif tag == "tr":
            first_word, first_link = self._row_start
            self.rows.append(Row(" ".join(self.words[first_word:]), self.links[first_link:]))
        elif tag in ("a", "button") and self._open_elements:
            _, start, (target, value) = self._open_elements.pop()
            words = " ".join(" ".join(self.words[start:]).split())
            if tag == "a":
                self.links.append((target, words))
            elif self._form is not None:
                self._form.buttons.append((target, value, words))

    def handle_data(self, data: str) -> None:
        if not self._hidden_depth and data.strip():
            self.words.append(data.strip())


class Browser:
    """One visitor with their own cookies; `text`, `forms` and `links` are those of the present page."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.url, self.status, self.body, self.text = "", 0, b"", ""
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.rows: list[Row] = []

    def open(self, url: str) -> Browser:
        """Open the page at that address, following redirects."""
        return self._request("GET", urljoin(self.url, url), None)

    def follow(self, words: str) -> Browser:
        """Open the page behind the link with this text."""
        for target, shown in self.links:
            if words in shown:
                return self.open(target)
        raise StepFailed(f"no link «{words}» on {self.url}: {self.links}")

    def row(self, words: str) -> Row | None:
        """Return the first table row that contains this text."""
        return next((row for row in self.rows if words in row.text), None)

    def form(self, having: str) -> Form:
        """Return the form with a field or a button of that name or text."""
        for form in self.forms:
            names = {*form.values, *form.choices}
            if having in names or any(
                having in (name, value) or having in shown for name, value, shown in form.buttons
            ):
                return form
        raise StepFailed(f"no form with «{having}» on {self.url} ({self.status}): {self.text[:600]}")

    def send(self, having: str, press: str = "", **values: str) -> Browser:
        """Fill the form with these values, press the button with the text `press` and open the answer."""
        form = self.form(having)
        sent = {**form.values, **values}
        for name, value, shown in form.buttons:
            if name and (press in shown if press else len(form.buttons) == 1):
                sent[name] = value
                break
        target = urljoin(self.url, form.action or self.url)
        if form.method == "get":
            return self._request("GET", target.split("?")[0], None, sent)
        return self._request("POST", target, sent)

    def _request(
        self, method: str, url: str, sent: dict[str, str] | None, query: dict[str, str] | None = None
    ) -> Browser:
        headers = {"Accept": "text/html", "Accept-Language": "pt-PT"}
        parts = urlsplit(self.url)
        for _ in range(12):
            if method == "POST":
                same = parts[:2] == urlsplit(url)[:2]
                headers |= {"Origin": f"{parts.scheme}://{parts.netloc}"} | (
                    {"Referer": self.url} if same else {}
                )
            asked = requests.Request(method, url, data=sent, params=query, headers=headers)
            answer = self.session.send(self._with_cookies(asked), allow_redirects=False, timeout=60)
            if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                # the page says when to try again; a merchant waits
                time.sleep(int(answer.headers.get("Retry-After", "1")))
                continue
            if not answer.is_redirect:
                break
            url, method, sent, query = urljoin(url, answer.headers["Location"]), "GET", None, None
            headers.pop("Origin", None)
        self.url, self.status, self.body = answer.url, answer.status_code, answer.content
        self._parse(answer)
        return self

    def _with_cookies(self, asked: requests.Request) -> requests.PreparedRequest:
        # requests creates its own cookie jar for the request, which ignores our policy.
        ready = self.session.prepare_request(asked)
        ready.headers.pop("Cookie", None)
        if cookie := get_cookie_header(self.session.cookies, ready):  # type: ignore[no-untyped-call]
            ready.headers["Cookie"] = cookie
        return ready

    def _parse(self, answer: requests.Response) -> None:
        reader = _Reader()
        if "html" in answer.headers.get("Content-Type", ""):
            reader.feed(answer.content.decode("utf-8", "replace"))
        self.rows = reader.rows
        self.forms, self.links, self.text = reader.forms, reader.links, " ".join(reader.words)
