"""The command `python -m tests.contract.record`: every cassette anew, against the stand-ins (`make record`).

Whoever has a real account changes `accounts.py` to open it, and reads each cassette before he commits it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

SUITES = Path(__file__).parent


class Recording:
    """Tells the suites, once pytest stands, that cassettes are to be written."""

    def pytest_configure(self) -> None:
        # not before: betamax is a plug-in of pytest, which wants to be the first to import it
        from tests.contract.cassette import MODE

        MODE["record"] = True


def main() -> int:
    """The exit code of the suites that recorded."""
    shutil.rmtree(SUITES / "cassettes", ignore_errors=True)
    chosen = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", "replayed", str(SUITES), *sys.argv[1:]]
    return int(pytest.main(chosen, plugins=[Recording()]))


if __name__ == "__main__":
    sys.exit(main())
