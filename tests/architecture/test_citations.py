"""Every file, heading, rule and function that a text cites is in this repository."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IN_SHOPAPP = "connections documents fiscal inventory jobs messages models orders platforms providers web"
TOP = (*IN_SHOPAPP.split(), "docs", "dev", "migrations", "sandbox", "shopapp", "static", "templates", "tests")
PATH = re.compile(
    rf"(?<![\w/.-])(?:\.\./)*(?:{'|'.join(TOP)})/[\w./-]*\.(?:py|md|html|csv|json|css|js|sql)\b"
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(#[^)\s]*)?\)")
FILE_ENDINGS = {"csv", "html", "json", "jsonl", "md", "py", "sql"}
RULE = re.compile(r"\b(?:ART|CN|CUR|CUST|DOC|EU|EX|ID|NUM|OSS|PAY|REG|RG|VAT)\d{1,2}\b")
DOTTED = re.compile(r"`([a-z_]+)\.([A-Za-z_]\w*)(?:\([^`]*)?`")
NOWHERE = re.compile(
    r"\brulings?\b|\bhouse rule\b|\bfiscal-pt\b|\.md,? (?:section|\d)|(?<!RFC \d{4} )\bsections? \d",
    re.IGNORECASE,
)


def committed(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


PYTHON, PAGES = committed("*.py"), committed("*.md")


@cache
def texts(path: Path) -> tuple[tuple[int, str], ...]:
    """Return the prose of a file with its line numbers: the whole of a page, the comments and docstrings of code."""
    content = path.read_text()
    if path.suffix == ".md":
        return tuple(enumerate(content.splitlines(), 1))
    found = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(content).readline)
        if token.type == tokenize.COMMENT
    ]
    for node in ast.walk(ast.parse(content)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            found += enumerate(node.value.value.splitlines(), node.lineno)
    return tuple(found)


def everywhere(paths: list[Path]) -> Iterator[tuple[Path, int, str]]:
    for path in paths:
        for number, text in texts(path):
            yield path, number, text


def report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(sorted(set(found)))


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_cited_file_exists() -> None:
    report([
        f"{path.relative_to(ROOT)}:{number}: {name}"
        for path, number, text in everywhere(PYTHON + PAGES)
        for name in PATH.findall(text)
        if "NAME" not in name and not any((base / name).exists() for base in (ROOT, ROOT / "shopapp", path.parent))
    ])  # fmt: skip


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    found = []
    for path, number, text in everywhere(PAGES):
        for name, anchor in LINK.findall(text):
            target = path.parent / name if name else path
            if not target.exists():
                found.append(f"{path.relative_to(ROOT)}:{number}: {name}")
            elif anchor and anchor[1:] not in headings(target):
                found.append(f"{path.relative_to(ROOT)}:{number}: {name}{anchor}")
    report(found)


def test_every_cited_fiscal_rule_is_in_the_fiscal_page() -> None:
    page = (ROOT / "docs" / "fiscal.md").read_text()
    known = set(RULE.findall(page))
    for prefix, first, last in re.findall(r"\b([A-Z]+)(\d) to \1(\d)\b", page):
        known |= {f"{prefix}{number}" for number in range(int(first), int(last) + 1)}
    assert len(known) > 25
    report([
        f"{path.relative_to(ROOT)}:{number}: {rule}"
        for path, number, text in everywhere([each for each in PYTHON if "shopapp" in each.parts] + PAGES)
        for rule in RULE.findall(text)
        if rule not in known
    ])  # fmt: skip


def test_no_text_cites_something_outside_the_repository() -> None:
    report([
        f"{path.relative_to(ROOT)}:{number}: {text.strip()}"
        for path, number, text in everywhere(PYTHON + PAGES)
        if path != Path(__file__) and NOWHERE.search(text)
    ])  # fmt: skip


@cache
def names_of_modules() -> dict[str, set[str]]:
    """Return, for each module and class of shopapp by its last name, the names that it defines."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "shopapp").rglob("*.py"):
        tree = ast.parse(path.read_text())
        scopes: list[tuple[str, ast.AST]] = [(path.stem, tree)]
        scopes += [(node.name, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        for name, scope in scopes:
            known = found.setdefault(name, set())
            for node in ast.walk(scope):
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    known.add(node.name)
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    known.add(node.id)
                elif isinstance(node, ast.alias):
                    known.add((node.asname or node.name).split(".")[-1])
                elif isinstance(node, ast.Attribute):
                    known.add(node.attr)
    return found


def test_every_function_that_a_page_names_exists() -> None:
    known = names_of_modules()
    report([
        f"{path.relative_to(ROOT)}:{number}: {module}.{name}"
        for path, number, text in everywhere(PAGES)
        for module, name in DOTTED.findall(text)
        if module in known and name not in known[module] and name not in FILE_ENDINGS
        and not (ROOT / "shopapp" / module / f"{name}.py").exists()
    ])  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["(rulings section 4)", "docs/phcgo.md section 9", "jumpseller.md 3.1", "house rule 6", "fiscal-pt"],
)
def test_a_broken_citation_is_recognised(text: str) -> None:
    assert NOWHERE.search(text)
