"""Scan the project offline for secrets, list what ships as an SBOM, and ask which versions are known to be vulnerable.

`make scans` runs the first two, `make audit` the last.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
SBOM = ROOT / "var" / "sbom.json"
TOOLS = Path(sys.executable).parent
LOCK_FILES = (":!*.lock", ":!uv.pin", ":!*.mo")
"""Generated files whose hashes look like keys."""
NO_SECRETS = (
    "ACCA364EC16C3CED1CBE", "ACCAD1FA3814953F0944",  # parts of made-up PHC GO record ids
    "://127.0.0.1:5006", "://sis05.phcgo.net:pw@", "://user:password@", "://user:pw@", "://user:p@",  # in tests
)  # fmt: skip
IP_ADDRESSES = "Public IP (ipv4)"


def main(names: list[str]) -> int:
    """Run the scans that are named and return the exit status: 1 when one of them found something."""
    scans = {"secrets": scan_secrets, "sbom": write_sbom, "audit": audit}
    passed = [scans[name]() for name in names]
    return int(not all(passed))


def scan_secrets() -> bool:
    """Return whether no line that any commit ever added holds a known form of key, token or password."""
    log = _run("git", "log", "--all", "--patch", "--unified=0", "--no-color", "--", ".", *LOCK_FILES)
    lines = [line[1:] for line in log.splitlines() if line.startswith("+")]
    found = list(find_secrets("\n".join(lines)))
    for kind, value in found:
        print(f"secret: {kind}: {value[:12]}...")
    print(f"secrets: {len(lines):,} added lines of {_run('git', 'rev-list', '--all', '--count').strip()} commits, "
          f"{len(found)} found")  # fmt: skip
    return not found


def find_secrets(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, value) of everything in the text that has the form of a known secret."""
    detectors: dict[str, type[Any]] = get_mapping_from_secret_type_to_class()
    for kind, detector in sorted(detectors.items()):
        if not issubclass(detector, RegexBasedDetector) or kind == IP_ADDRESSES:
            continue
        for pattern in detector().denylist:
            for value in sorted({match.group(0) for match in pattern.finditer(text)}):
                if not value.startswith(NO_SECRETS):
                    yield kind, value


def write_sbom() -> bool:
    """Write the CycloneDX list of everything that ships to var/sbom.json."""
    SBOM.parent.mkdir(exist_ok=True)
    _run(str(TOOLS / "cyclonedx-py"), "requirements", LOCK, "--pyproject", "pyproject.toml", "--of", "JSON",
         "--output-reproducible", "-o", str(SBOM))  # fmt: skip
    components = json.loads(SBOM.read_text())["components"]
    print(f"sbom: {len(components)} packages in {SBOM.relative_to(ROOT)}")
    return True


def audit() -> bool:
    """Return whether no locked version is known to be vulnerable; say about how many nobody could be asked."""
    asked = subprocess.run(
        [str(TOOLS / "pip-audit"), "-r", LOCK, "--require-hashes", "--disable-pip", "-f", "json",
         "--progress-spinner", "off", "--timeout", "10"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if not asked.stdout.startswith("{"):
        print("audit: could not ask the vulnerability database; nothing is known about any package")
        return True
    return report_audit(json.loads(asked.stdout)["dependencies"])


def report_audit(packages: list[dict[str, object]]) -> bool:
    """Print what pip-audit found about the packages and return whether none is vulnerable."""
    vulnerable = [one for one in packages if one.get("vulns")]
    unknown = [one for one in packages if "skip_reason" in one]
    for one in vulnerable:
        print(f"vulnerable: {one['name']} {one['version']}: {json.dumps(one['vulns'])[:500]}")
    print(
        f"audit: {len(packages)} packages, {len(vulnerable)} vulnerable, {len(unknown)} could not be asked about"
    )
    return not vulnerable


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, errors="replace")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
