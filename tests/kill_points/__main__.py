"""The command `make grid`: every failpoint x each fault of the process there x each answer of the provider.

`DB=sqlite` runs it on SQLite, `PROMISE=all` runs each case with each guarantee, and words select cases (`make
grid ARGS="after_claim kill"`). Exits 0 only when every case passed. The word `sabotage` instead runs one case
for each protection with that protection removed; then every case must fail.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from dev.child_process import STACK_MARK, ChildProcess
from dev.local_stack import ROOT, is_answering, load_or_create_secrets
from dev.servers import Postgres, free_port
from shopapp.models.schema import migrate
from shopapp.providers.base import IssueGuarantee
from tests.kill_points.case_runner import CaseRunner, Failures, RunnerSettings, use_folder_platform
from tests.kill_points.cases import ACTS, ANSWERS, Case, every_case, sabotaged

PARALLEL_CASES = int(os.environ.get("JOBS") or 10)
"""Cases that run at the same time: most of a case is waiting."""
NOWHERE = "http://127.0.0.1:9"

_runner: CaseRunner | None = None


def main() -> int:
    """Return 0 when every case passed."""
    words = set(sys.argv[1:])
    sabotage = words == {"sabotage"}
    every = sabotaged() if sabotage else every_case(os.environ.get("PROMISE") == "all")
    chosen = [case for case in every if sabotage or words <= set(case.words)]
    if not chosen:
        print(f"No case is called {' '.join(sorted(words))}.")
        return 2
    began = time.monotonic()
    # A signal that ends this command leaves nothing running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        failed = run(chosen, os.environ.get("DB") or "postgres", stack)
    if sabotage:
        missed = [case for case in chosen if case not in failed]
        print("\n".join(f"{'MISSED' if case in missed else 'found '}  {case}" for case in chosen))
        return 1 if missed else 0
    print(matrix(chosen, failed))
    for case, found in failed.items():
        print(f'\nmake grid ARGS="{case}"')
        print("\n".join(f"    {line}" for line in found))
    print(f"{len(chosen)} cases, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def run(chosen: list[Case], kind: str, stack: ExitStack) -> dict[Case, Failures]:
    """Return the failed cases, each with its errors."""
    folder = Path(tempfile.mkdtemp(prefix="grid"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    given = RunnerSettings(_settings(folder), _start_stand_ins(folder, stack), folder, "")
    urls = _databases(kind, min(PARALLEL_CASES, len(chosen)), folder, stack)
    use_folder_platform()
    fork = multiprocessing.get_context("fork")
    numbers = fork.SimpleQueue()
    for url in urls:
        numbers.put(url)
    with ProcessPoolExecutor(len(urls), fork, _start_runner, (given, numbers)) as pool:
        failed = {}
        for number, (case, found) in enumerate(zip(chosen, pool.map(_run_case, chosen), strict=True), 1):
            if found:
                failed[case] = found
                print(f"FAILED {case}: {found[0]}", flush=True)
            if not number % 50:
                print(f"{number} of {len(chosen)}, {len(failed)} failed", flush=True)
        return failed


def _start_runner(given: RunnerSettings, urls: multiprocessing.SimpleQueue[str]) -> None:
    global _runner
    _runner = CaseRunner(given, urls.get())


def _run_case(case: Case) -> Failures:
    assert _runner is not None
    return _runner.run(case)


def _settings(folder: Path) -> dict[str, str]:
    return load_or_create_secrets(folder / "secrets.json") | {
        "APP_URL": "http://localhost", "REDIS_URL": "redis://127.0.0.1:9/0", "JUMPSELLER_CLIENT_ID": "quick-invoice",
        "JUMPSELLER_CLIENT_SECRET": "sandbox-secret", "JUMPSELLER_ACCOUNTS_URL": NOWHERE,
        "JUMPSELLER_API_URL": f"{NOWHERE}/v1", "JUMPSELLER_ADMIN_ORIGINS": "http://admin.localhost",
        "IGEST_URL": f"{NOWHERE}/webservice.php", "VIES_URL": NOWHERE, "ALLOW_PLAIN_HTTP": "1", "LOG_LEVEL": "WARNING",
    }  # fmt: skip


def _start_stand_ins(folder: Path, stack: ExitStack) -> dict[str, str]:
    """Start the providers and return the address for each guarantee."""
    found, children = {}, []
    for promise in (once.value for once in IssueGuarantee):
        port = free_port()
        words = f"-m tests.kill_points.provider_stand_in --port {port} --data {folder / promise} --promise {promise}"
        env = {**os.environ, STACK_MARK: ""}
        child = ChildProcess(promise, [sys.executable, *words.split()], folder / f"{promise}.log", env, ROOT)
        child.start()
        stack.callback(child.stop)
        found[promise] = f"http://127.0.0.1:{port}"
        children.append((child, found[promise]))
    for child, url in children:
        child.wait_until(partial(is_answering, f"{url}/sandbox/health"))
    return found


def _databases(kind: str, count: int, folder: Path, stack: ExitStack) -> list[str]:
    """Create this number of migrated databases and return their addresses."""
    if kind == "sqlite":
        file = folder / "template.db"
        migrate(f"sqlite:///{file}")
        copies = [folder / f"{number}.db" for number in range(count)]
        for copy in copies:
            shutil.copy(file, copy)
        return [f"sqlite:///{copy}" for copy in copies]
    server = Postgres()
    server.start()
    stack.callback(server.stop)
    migrate(server.create_database("template"))
    for number in range(count):
        server.execute(f"CREATE DATABASE slot{number} TEMPLATE template")
    return [server.url_of(f"slot{number}") for number in range(count)]


def matrix(chosen: list[Case], failed: dict[Case, Failures]) -> str:
    """Return a table with the number of passed cases and of all cases for each failpoint and act."""
    all_of, wrong = Counter((c.point, c.act) for c in chosen), Counter((c.point, c.act) for c in failed)
    lines = [f"{'':24}" + "".join(f"{act:>9}" for act in ACTS)]
    for point in dict.fromkeys(case.point for case in chosen):
        cells = []
        for act in ACTS:
            count = all_of[point, act]
            cells.append(f"{count - wrong[point, act]}/{count}" if count else "")
        lines.append(f"{point:24}" + "".join(f"{cell:>9}" for cell in cells))
    met = Counter((c.answer, c.guarantee) for c in chosen)
    promises = [once.value for once in IssueGuarantee]
    lines += ["", f"{'':24}" + "".join(f"{promise:>12}" for promise in promises)]
    for answer in (one for one in ANSWERS if any(case.answer == one for case in chosen)):
        lines.append(f"{answer:24}" + "".join(f"{met[answer, promise]:>12}" for promise in promises))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
