"""The command `make record`: record every cassette of the contract suites again, against the stand-ins.

To record a real account, change `accounts.py` so that it opens one, and read each cassette before you commit
it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

SUITES = Path(__file__).parent


class Recording:
    """Switches the suites to recording once pytest has started."""

    def pytest_configure(self) -> None:
        # Not earlier: betamax is a pytest plugin, and pytest must be the first to import it.
        from tests.contract.cassette import MODE

        MODE["record"] = True


def main() -> int:
    """Record all cassettes; return the exit code of pytest."""
    shutil.rmtree(SUITES / "cassettes", ignore_errors=True)
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--db", "sqlite", "-k", "replayed"]
    return int(pytest.main([*options, str(SUITES), *sys.argv[1:]], plugins=[Recording()]))


if __name__ == "__main__":
    sys.exit(main())
