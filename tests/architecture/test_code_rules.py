"""Code rules that no linter checks: sizes, floats, settings, and files that must not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SHOPAPP = sorted((ROOT / "shopapp").rglob("*.py"))
ALL_CODE = [
    path for folder in ("shopapp", "sandbox", "dev") for path in sorted((ROOT / folder).rglob("*.py"))
]

LONGEST_FILE = 350
LONGEST_FUNCTION = 40


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def at(path: Path, node: ast.AST, sentence: str) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {sentence}"


def nothing(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_every_file_is_python_that_the_oldest_version_reads() -> None:
    found = []
    for path in ALL_CODE:
        try:
            ast.parse(path.read_text(), feature_version=(3, 11))
        except SyntaxError as problem:
            found.append(f"{path.relative_to(ROOT)}:{problem.lineno}: not Python 3.11: {problem.msg}")
    nothing(found)


def test_only_config_reads_the_environment() -> None:
    nothing([
        at(path, node, "settings are read in config.py")
        for path in SHOPAPP
        if path != ROOT / "shopapp" / "config.py"
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            and isinstance(node.value, ast.Name) and node.value.id == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os"
            and {name.name for name in node.names} & {"environ", "getenv", "environb"})
    ])  # fmt: skip


SECRET_NAME = re.compile(
    r"signature|secret(?!_hash)|password|passphrase|hmac|verifier|issuer|csrf|^expected$"
)


def named(node: ast.AST) -> str:
    """Return the last name of an expression: `row.secret.strip()` is named strip, and `f(x)` f."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Await):
        node = node.func if isinstance(node, ast.Call) else getattr(node, "value", node)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def makes_mac(function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "new" and named(node.value) == "hmac"
        for node in ast.walk(function)
    )


def test_secrets_are_compared_in_constant_time() -> None:
    found = []
    for path in SHOPAPP:
        for function in ast.walk(tree(path)):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if not isinstance(node, ast.Compare):
                    continue
                if not any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops):
                    continue
                names = [named(one) for one in (node.left, *node.comparators)]
                if makes_mac(function) or any(map(SECRET_NAME.search, names)):
                    found.append(at(path, node, "a secret is compared by hmac.compare_digest"))
    nothing(sorted(set(found)))


def test_no_except_catches_everything() -> None:
    nothing([
        at(path, node, "catch the narrowest error, at the place that knows who moves next")
        for path in ALL_CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ])  # fmt: skip


def test_no_file_is_too_long() -> None:
    nothing([
        f"{path.relative_to(ROOT)}: {lines} lines; past {LONGEST_FILE} a file has two subjects"
        for path in SHOPAPP
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    ])  # fmt: skip


def test_no_function_is_too_long() -> None:
    nothing([
        at(path, node, f"{node.name} has {lines} lines; past {LONGEST_FUNCTION} it has two steps")
        for path in SHOPAPP
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ])  # fmt: skip


def test_every_file_says_what_it_is_for() -> None:
    nothing([
        f"{path.relative_to(ROOT)}:1: no docstring"
        for path in ALL_CODE
        if path.read_text().strip() and not ast.get_docstring(tree(path))
    ])  # fmt: skip


def test_no_float_is_used_where_amounts_are() -> None:
    nothing([
        at(path, node, "a float never touches an amount")
        for path in SHOPAPP
        # errors.py has no amounts; its floats are seconds to wait.
        if "fiscal" in path.parts and path.name != "errors.py"
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ])  # fmt: skip


def test_the_fiscal_core_never_asks_for_the_date() -> None:
    nothing([
        at(path, node, "dates come in as arguments")
        for path in SHOPAPP
        if "fiscal" in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("today", "now", "utcnow")
        and isinstance(node.value, ast.Name) and node.value.id in ("date", "datetime")
    ])  # fmt: skip


def test_every_setting_is_explained_to_whoever_operates_it() -> None:
    from shopapp import config

    page = (ROOT / "docs" / "operating.md").read_text()
    nothing([
        f"docs/operating.md does not say what {setting.name} is"
        for setting in config.SETTINGS
        if f"`{setting.name}`" not in page
    ])  # fmt: skip


# Split into pieces, so that this file does not contain the text that it looks for.
HOSTS = ["files.python" + "hosted.org", "py" + "pi.org", "registry.npm" + "js.org", "deb.deb" + "ian.org"]
PLACES = ["/wo" + "rk/", "/fa" + "rm/", "/tmp" + "/q", "/ro" + "ot/", "/ho" + "me/", "/User" + "s/"]
SECRETS = ["-----BEGIN " + r"[A-Z ]*PRIVATE KEY", "AK" + r"IA[0-9A-Z]{16}", "gh" + r"[pousr]_[A-Za-z0-9]{30}"]
KEPT_OUT = {
    "a registry's address": "|".join(map(re.escape, HOSTS)),
    "a path of one machine": r"(?<![\w.~$}/-])(?:" + "|".join(map(re.escape, PLACES)) + ")",
    "a secret": "|".join(SECRETS),
}


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    # This is not a clone but an unpacked copy: check everything except what .gitignore names.
    own = {line.strip("/ \n") for line in (ROOT / ".gitignore").read_text().splitlines()}
    return [path for path in ROOT.rglob("*") if path.is_file() and not own & set(path.parts)]


@pytest.mark.parametrize("what", KEPT_OUT)
def test_no_committed_file_holds(what: str) -> None:
    found = []
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(KEPT_OUT[what], line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {what}")
    nothing(found)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a registry's address", f"--index-url https://{HOSTS[1]}/simple"),
        ("a path of one machine", f"open('{PLACES[0]}main/x')"),
        ("a secret", "-----BEGIN RSA " + "PRIVATE KEY-----"),
    ],
)
def test_forbidden_content_is_recognised(what: str, line: str) -> None:
    assert re.search(KEPT_OUT[what], line)
    assert not re.search(KEPT_OUT[what], "https://localhost/work.html docs/root/home.md")


def test_the_locks_name_a_hash_for_every_package() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "uv.pin"):
        packages = re.split(r"\n(?=\w)", (ROOT / name).read_text())
        assert packages and all("--hash=sha256:" in package for package in packages), name


def test_production_and_development_run_the_same_versions() -> None:
    locked = {}
    for name in ("requirements.lock", "requirements-dev.lock"):
        locked[name] = dict(re.findall(r"^([\w.\[\]-]+)==([\w.]+)", (ROOT / name).read_text(), re.M))
    production, development = locked.values()
    assert production.items() <= development.items()


def test_make_sweep_runs_every_folder_with_a_long_test() -> None:
    tests = ROOT / "tests"
    marked = {
        path.relative_to(tests).parts[0]
        for path in tests.rglob("*.py")
        if re.search("mark[.]sweep", path.read_text())
    }
    swept = re.search(r"^SWEPT := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert swept and set(swept[1].split()) == marked
