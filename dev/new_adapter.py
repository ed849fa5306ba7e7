"""Write the skeleton of a further provider or platform: `make new-provider NAME=x`, `make new-platform NAME=x`.

Fills in the templates of `dev/templates`, and registers the adapter, its setting, its import rules and its
entry in the contract suites. docs/adding-a-provider.md and docs/adding-a-platform.md describe the remaining
work.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "dev" / "templates"
SETTINGS = {
    "provider": '    Setting("{NAME}_URL", "{Label}\'s API (unconfirmed: not written yet)",\n'
    '            "https://{name}.invalid", _parse_url),\n',
    "platform": '    Setting("{NAME}_API_URL", "{Label}\'s API (unconfirmed: not written yet)",\n'
    '            "https://{name}.invalid", _parse_url),\n',
}
REGISTRIES = {
    "provider": (
        ("shopapp/providers/__init__.py", "PROVIDERS", "from .{name} import {Class}", "{Class}"),
        (
            "tests/contract/accounts.py",
            "ACCOUNTS",
            "from tests.contract.{name}_account import {Class}Account",
            "{Class}Account",
        ),
    ),
    "platform": (
        ("shopapp/platforms/__init__.py", "PLATFORMS", "from .{name} import {Class}", "{Class}"),
        (
            "tests/contract/shops.py",
            "SHOPS",
            "from tests.contract.{name}_shop import {Class}Shop",
            "{Class}Shop",
        ),
    ),
}


def write_skeleton(kind: str, name: str) -> list[Path]:
    """Write the files of a `provider` or `platform` and register it; return every file written or changed.

    Raises ValueError for a name that is taken, or that is not a lower-case word.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{1,19}", name):
        raise ValueError("NAME must be 2 to 20 lower-case letters and digits, a letter first")
    if any(
        (ROOT / folder / name).exists() for folder in ("shopapp/providers", "shopapp/platforms", "sandbox")
    ):
        raise ValueError(f"{name} exists already")
    words = {
        "name": name,
        "NAME": name.upper(),
        "Class": name.capitalize(),
        "Label": name.capitalize(),
    }
    changed = _write_templates(kind, words)
    for file, registry, import_line, value in REGISTRIES[kind]:
        changed.append(_register(file, registry, import_line.format(**words), value.format(**words), name))
    changed.append(_add_setting(SETTINGS[kind].format(**words)))
    _protect(f"shopapp.{kind}s.{name}")
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *map(str, changed)], cwd=ROOT, check=True)
    return [*changed, ROOT / "pyproject.toml"]


def _write_templates(kind: str, words: dict[str, str]) -> list[Path]:
    written = []
    for template in sorted((TEMPLATES / kind).rglob("*.txt")):
        relative = template.relative_to(TEMPLATES / kind).as_posix()
        target = ROOT / relative.replace("NAME", words["name"]).removesuffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text()).substitute(words))
        written.append(target)
    return written


def _register(file: str, registry: str, import_line: str, value: str, name: str) -> Path:
    """Add the import and the entry to a module whose dict lists one adapter a line."""
    path = ROOT / file
    text = path.read_text()
    imports = list(re.finditer(r"^from (\.|tests).*$", text, re.MULTILINE))
    end = imports[-1].end()
    text = f"{text[:end]}\n{import_line}{text[end:]}"
    start = re.search(rf"^{registry}: [^\n]*{{\n", text, re.MULTILINE)
    if start is None:
        raise ValueError(f"{file} has no {registry} with one entry a line")
    close = text.index("\n}", start.start())
    path.write_text(f'{text[:close]}\n    "{name}": {value},{text[close:]}')
    return path


def _add_setting(setting: str) -> Path:
    path = ROOT / "shopapp/config.py"
    text = path.read_text()
    position = text.index('    Setting("VIES_URL"')
    path.write_text(text[:position] + setting + text[position:])
    return path


def _protect(package: str) -> None:
    """Add the import rule that nobody but the package itself imports its modules."""
    path = ROOT / "pyproject.toml"
    text = path.read_text()
    for key, entry in (("protected_modules", f"{package}.**"), ("allowed_importers", package)):
        text = re.sub(
            rf'^({key} = \["shopapp\.platforms\.jumpseller[^\]]*)\]',
            lambda found, entry=entry: f'{found[1]}, "{entry}"]',  # type: ignore[misc]
            text,
            count=1,
            flags=re.MULTILINE,
        )
    path.write_text(text)


def main() -> int:
    """Write the skeleton that the command line names."""
    kind, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    try:
        changed = write_skeleton(kind, name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(path.relative_to(ROOT).as_posix() for path in changed))
    print(f"Next: docs/adding-a-{kind}.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
