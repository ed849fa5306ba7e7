"""The command `python -m dev.demo`: play the scenarios in a new stack and print the ledger's verdict.

`make demo` (PROVIDER=phcgo: with PHC GO and all its options; PLATFORM=shopkit: on Shopkit; CATALOGUE=1: products
and stock; CATALOGUE=many: a run over very many products). Starts everything on free ports with new files, except
that DATABASE_URL and REDIS_URL are used where given. Exits 0 only when the ledgers match: one document per paid
order and its corrections, totals to the cent; every stock level right, and every change made once.
"""

from __future__ import annotations

import os
import sys
import time

from dev import markers
from dev.child_process import ProcessFailed
from dev.local_stack import LocalStack
from dev.servers import MissingServer

from . import large_catalogue
from .catalogue import CatalogueDemo
from .choices import DemoOfChoices
from .judge import Judge
from .phcgo import PhcGoDemo
from .scenarios import Demo
from .shopkit import ShopkitDemo, ShopkitPhcGoDemo

DEMOS: dict[str, type[Demo]] = {
    "igest": DemoOfChoices, "phcgo": PhcGoDemo, "catalogue": CatalogueDemo,
    "shopkit igest": ShopkitDemo, "shopkit phcgo": ShopkitPhcGoDemo,
}  # fmt: skip
"""By the values of PLATFORM= (none: Jumpseller) and PROVIDER=; CATALOGUE=1 chooses `catalogue`."""
SETTINGS = {"CLOCK_SECONDS": "1", "RECONCILE_SECONDS": "3", "WEB_PROCESSES": "1", "RETRY_SECONDS": "1"}


def print_now(text: str) -> None:
    """Print without buffering."""
    print(text, flush=True)


def run(played: type[Demo]) -> int:
    """Run the demo and return 0 when the ledger matches, 1 when it does not."""
    began = time.monotonic()
    stack = LocalStack(
        database_url=os.environ.get("DATABASE_URL"), redis_url=os.environ.get("REDIS_URL"),
        settings=SETTINGS | played.settings,
    )  # fmt: skip
    with stack:
        demo = played(stack)
        programs = f"iGEST {stack.igest_url}, PHC GO {stack.phcgo_url}"
        print_now(f"Everything runs: shop {stack.admin_url}, app {stack.app_url}, {programs}")
        demo.run()
        judge = Judge(demo)
        rows = judge.verdict()
        wrong = judge.wrong + demo.check()
        if os.environ.get("MARKERS"):
            found = markers.search(stack)
            print_now("\n".join(found.lines))
            wrong += found.wrong
        table = demo.table()
    print_now(f"\n{'order':<24} {'document':<44} {'total':>9} {'state':<12} what is odd about it")
    for row in rows:
        print_now(row)
    for row in table:
        print_now(row)
    print_now(f"\n{len(rows)} orders in {time.monotonic() - began:.0f} s.")
    for line in wrong:
        print_now(f"WRONG: {line}")
    print_now("The ledger does not match." if wrong else demo.success_message)
    return 1 if wrong else 0


def main() -> int:
    """Run the demo that the environment asks for and return its status."""
    catalogue = os.environ.get("CATALOGUE", "")
    if catalogue == "many":
        return large_catalogue.run_large_catalogue(
            int(os.environ.get("PRODUCTS") or 10_000), (10, 100, 1000), kills=4
        )
    platform = os.environ.get("PLATFORM", "").removeprefix("jumpseller")
    name = "catalogue" if catalogue else f"{platform} {os.environ.get('PROVIDER') or 'igest'}".strip()
    if name not in DEMOS:
        print(f"PLATFORM and PROVIDER can be {', '.join(DEMOS)}; not {name}", file=sys.stderr)
        return 2
    return run(DEMOS[name])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ProcessFailed, MissingServer, AssertionError) as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(1)
