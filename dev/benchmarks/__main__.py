"""`make bench`: run each measurement in turn and print it.

`python -m dev.benchmarks [WORD...]`: `sqlite` and `postgres` choose the databases, any other word the
measurements whose name contains it. To add one, write a module with a `main` and add one line to `BENCHES`. The
last results are in docs/performance.md.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from dev.local_stack import ROOT

BENCHMARKS = {
    "invoice": "dev.benchmarks.invoice",
    "month": "dev.benchmarks.month",
    "slow-clients": "dev.benchmarks.slow_clients",
    "webhooks": "dev.benchmarks.webhooks",
    "workers": "dev.benchmarks.workers",
}


def main(words: list[str]) -> int:
    """Run the measurements and return the exit status: 0 when each ran to its end."""
    databases = [word for word in words if word in ("sqlite", "postgres")]
    names = [word for word in words if word not in databases]
    chosen = [name for name in BENCHMARKS if not names or any(word in name for word in names)]
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors", flush=True
    )
    failed = 0
    for name in chosen:
        print(f"\n## {name}\n", flush=True)
        # Each runs in its own process, so that no measurement profits from caches that another one filled.
        command = [sys.executable, "-m", BENCHMARKS[name], *databases]
        failed += subprocess.run(command, cwd=ROOT).returncode != 0
    if not chosen:
        print(f"No measurement is called so: {', '.join(BENCHMARKS)}", file=sys.stderr)
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
