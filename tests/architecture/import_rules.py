"""Who may know whom: the table, and the reader that holds a file against it.

Called by test_imports.py. The most particular row of the table that fits a file is the one that holds.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "shopapp"


@dataclass(frozen=True)
class ImportRule:
    """A row of the table: which files, and what they may import beside the standard library."""

    files: str
    allowed: str
    packages: str = ""


ADAPTER_BASES = "fault fiscal platforms.base providers.base"
OPERATIONS = (
    "checking comparing deciding followups goods issuing leaving notices opening resolving settling"
    " sweeping verifying"
)
WEB_PACKAGES = "babel flask flask_babel flask_limiter flask_wtf markupsafe sqlalchemy.exc werkzeug wtforms"

# files                 of our own                                           of other people's packages
IMPORT_RULES = (
    ImportRule("wsgi", "shopapp"),
    ImportRule("shopapp", "config fault jobs models sealed web", "click flask"),
    # the ground
    ImportRule("config", "sealed"),
    ImportRule("sealed", "", "cryptography flask"),
    ImportRule("fault", ""),
    ImportRule("fiscal", "fiscal"),
    ImportRule("fiscal.*", "fiscal", "stdnum"),
    ImportRule("fiscal.errors", ""),
    ImportRule("fiscal.money", "fiscal.errors"),
    # the rows and the wire
    ImportRule("models*", "models sealed fiscal.document", "alembic click flask_sqlalchemy sqlalchemy"),
    ImportRule("http", "fiscal.errors", "requests urllib3"),
    # the two outsides
    ImportRule("platforms*", "platforms http fiscal"),
    ImportRule("platforms.oauth", "platforms.base http fiscal", "authlib"),
    ImportRule("providers*", "providers http fiscal", "defusedxml"),
    # where a row meets an adapter
    ImportRule("counting", "models", "sqlalchemy.exc"),
    ImportRule("connect", "counting models platforms providers http fiscal fault", "flask"),
    ImportRule("vies", "http models fiscal"),
    # the moves: they know what an adapter promises (the two bases), never an adapter
    ImportRule("preparing", "connect vies models fiscal", "sqlalchemy"),
    ImportRule("correcting", "models fiscal", "sqlalchemy"),
    ImportRule("articles", f"connect settling models {ADAPTER_BASES}"),
    ImportRule("matching", f"articles connect models {ADAPTER_BASES}"),
    ImportRule("early", f"connect matching preparing settling models {ADAPTER_BASES}"),
    ImportRule("settling", f"connect correcting models movements {ADAPTER_BASES}", "sqlalchemy.exc"),
    ImportRule("opening", f"connect correcting early models settling {ADAPTER_BASES}", "sqlalchemy.exc"),
    ImportRule("resolving", f"connect models settling {ADAPTER_BASES}"),
    ImportRule(
        "issuing*",
        f"catalogue early matching preparing settling connect models {ADAPTER_BASES}",
        "sqlalchemy.exc",
    ),
    ImportRule("notices", "connect models fiscal"),
    ImportRule("followups", f"comparing connect early models movements notices {ADAPTER_BASES}"),
    ImportRule("reconciling", f"connect opening models {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule("comparing", f"connect models settling {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule("verifying", f"comparing connect models reconciling {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule("leaving", f"models settling {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule(
        "sweeping", f"connect models notices opening reconciling settling {ADAPTER_BASES}", "sqlalchemy"
    ),
    ImportRule("movements", f"connect models {ADAPTER_BASES}"),
    ImportRule("bench", f"connect matching models {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule("stocking", f"bench connect models movements {ADAPTER_BASES}"),
    ImportRule("levelling", f"connect models {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule("catalogue", f"connect matching models {ADAPTER_BASES}", "sqlalchemy"),
    ImportRule(
        "goods", f"catalogue connect levelling making models settling stocking {ADAPTER_BASES}", "sqlalchemy"
    ),
    ImportRule("making", f"catalogue connect matching models {ADAPTER_BASES}"),
    ImportRule("checking", f"connect correcting preparing models {ADAPTER_BASES}"),
    ImportRule("deciding", "correcting preparing settling models fiscal", "sqlalchemy"),
    ImportRule(
        "jobs",
        f"connect counting models {OPERATIONS} fiscal.errors fault",
        "click flask redis rq sqlalchemy.exc",
    ),
    # what browsers and hooks see
    ImportRule(
        "web*",
        "web checking comparing connect correcting counting deciding followups jobs matching models fiscal",
        WEB_PACKAGES,
    ),
    ImportRule(
        "web.product*", "web catalogue connect fiscal jobs levelling making matching models", WEB_PACKAGES
    ),
    ImportRule("web.changes", "web fiscal jobs levelling models", WEB_PACKAGES),
    ImportRule("web.hooks", "web connect fault jobs models", "flask sqlalchemy.exc werkzeug"),
    ImportRule("web.health", "models", "flask sqlalchemy.exc"),
    ImportRule("web.install", "web connect fault fiscal jobs models", WEB_PACKAGES),
    ImportRule("web.forms", "web.tongue", WEB_PACKAGES),
    ImportRule("web.tongue", "", "flask_babel"),
    ImportRule("web.saying", ""),
    ImportRule("web.refusals", "web.saying"),
    ImportRule("web.sentences", "web.refusals web.saying"),
    ImportRule("web.wording", "web.formats web.sentences web.tongue"),
)

# fiscal law knows no clock, no network, no machine
NO_CLOCK = "time threading asyncio"
NO_NETWORK = "http socket urllib"
NO_MACHINE = "logging os random sqlite3 subprocess"
NEVER_IN_FISCAL = f"{NO_CLOCK} {NO_NETWORK} {NO_MACHINE}".split()


def parsed(source: str) -> ast.Module:
    """The tree of a source; empty for one that is not Python (test_rules.py says which)."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


@dataclass(frozen=True)
class Import:
    """One imported name, what it was imported from, and where that stands."""

    target: str
    line: int
    base: str = ""


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """Every module that a source names, `from a import b` as `a.b`; also those inside functions."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            yield from (Import(name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[
                    : None if is_package and node.level == 1 else -node.level + is_package
                ]
                base = ".".join([*above, base] if base else above)
            yield from (Import(f"{base}.{name.name}", node.lineno, base) for name in node.names)


def module_of(path: Path, root: Path = ROOT) -> str:
    """A file's name as an import would write it."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rule_of(module: str) -> ImportRule | None:
    """The row of the table that holds for a module; None when the house has no such room."""
    name = module.removeprefix(f"{PACKAGE}.")
    fitting = [room for room in IMPORT_RULES if fnmatchcase(name, room.files)]
    return max(fitting, key=lambda room: len(room.files.rstrip("*")), default=None)


def violations(path: Path, source: str | None = None, root: Path = ROOT) -> list[str]:
    """The imports of a file that the table forbids, each as `file:line: sentence`."""
    module = module_of(path, root)
    where = path.relative_to(root)
    room = rule_of(module)
    if room is None:
        return [
            f"{where}:1: the house has no such room; add it to the table of tests/architecture/import_rules.py"
        ]
    text = path.read_text() if source is None else source
    found = []
    for seen in imports_of(text, module, path.name == "__init__.py"):
        if why := _forbidden(seen.target, module, room):
            found.append(f"{where}:{seen.line}: {module} may not import {seen.target}: {why}")
    return found


def _forbidden(target: str, module: str, room: ImportRule) -> str:
    top = target.split(".")[0]
    if top == PACKAGE:
        name = target.removeprefix(f"{PACKAGE}.")
        if room.files == "wsgi":
            return ""
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in room.allowed.split()):
            return f"only {room.allowed or 'nothing of ours'} stands beneath it"
        return _adapter_internals(name, module)
    if top in sys.stdlib_module_names:
        if module.startswith(f"{PACKAGE}.fiscal") and top in NEVER_IN_FISCAL:
            return "the law knows no clock, no network, no machine"
        return ""
    if any(f"{target}.".startswith(f"{allowed}.") for allowed in room.packages.split()):
        return ""
    return f"of other packages only {room.packages or 'none'}"


def _adapter_internals(name: str, module: str) -> str:
    parts = name.split(".")
    if len(parts) < 3 or parts[0] not in ("platforms", "providers"):
        return ""
    folder = ROOT / PACKAGE / parts[0] / parts[1]
    if not (folder / f"{parts[2]}.py").exists() or f"{module}.".startswith(
        f"{PACKAGE}.{parts[0]}.{parts[1]}."
    ):
        return ""
    return f"the inside of {parts[1]} is its own"


def import_cycles(files: list[Path], root: Path = ROOT) -> list[list[str]]:
    """Every round trip of imports among the files, each as the modules on the way."""
    modules = {module_of(path, root): path for path in files}
    edges: dict[str, set[str]] = {module: set() for module in modules}
    for module, path in modules.items():
        for seen in imports_of(path.read_text(), module, path.name == "__init__.py"):
            edges[module] |= _executed_modules(seen, module, modules)
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> None:
        if module in way:
            found.append([*way[way.index(module) :], module])
        elif module not in done:
            for following in sorted(edges[module]):
                walk(following, [*way, module])
            done.add(module)

    for module in sorted(modules):
        walk(module, [])
    return found


def _executed_modules(seen: Import, module: str, modules: dict[str, Path]) -> set[str]:
    """The modules that an import runs, as far as the house counts them."""
    if seen.target not in modules:
        return {seen.base or seen.target.rpartition(".")[0]} & modules.keys() - {module}
    reached = {seen.target}
    # `from . import y` asks the package itself, which a package that lists its members answers last
    if seen.base in modules and seen.base != PACKAGE and module.startswith(f"{seen.base}."):
        package = modules[seen.base].read_text()
        if any(item.target.startswith(f"{seen.base}.") for item in imports_of(package, seen.base, True)):
            reached.add(seen.base)
    return reached - {module}
