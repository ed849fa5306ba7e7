"""The command `python -m dev.demo`: the acts played in a house of their own, and the ledger's verdict.

Started by `make demo` (PROVIDER=phcgo: with PHC GO and all its options; CATALOGUE=1: products and stock;
CATALOGUE=many: a run over very many products). Starts everything on free ports with fresh files (DATABASE_URL and
REDIS_URL, when given, are used instead). Exits 0 only when the ledgers match: one document per paid order and what
corrects it, totals to the cent; every level as it should be, and every alteration once.
"""

from __future__ import annotations

import os
import sys
import time

from dev.child import Failed
from dev.house import House
from dev.servers import Missing

from . import many
from .acts import Demo
from .catalogue import CatalogueDemo
from .judge import Judge
from .phcgo import PhcGoDemo

DEMOS: dict[str, type[Demo]] = {"igest": Demo, "phcgo": PhcGoDemo, "catalogue": CatalogueDemo}
"""By the name that PROVIDER= chooses; CATALOGUE=1 chooses the last."""
SETTINGS = {"CLOCK_SECONDS": "1", "RECONCILE_SECONDS": "3", "WEB_PROCESSES": "1", "RETRY_SECONDS": "1"}


def say(text: str) -> None:
    """Nothing; printed at once."""
    print(text, flush=True)


def run(played: type[Demo]) -> int:
    """0 when the ledger matches, 1 when it does not."""
    began = time.monotonic()
    house = House(
        database_url=os.environ.get("DATABASE_URL"), redis_url=os.environ.get("REDIS_URL"),
        settings=SETTINGS | played.settings,
    )  # fmt: skip
    with house:
        demo = played(house)
        programs = f"iGEST {house.igest_url}, PHC GO {house.phcgo_url}"
        say(f"Everything runs: shop {house.admin_url}, app {house.app_url}, {programs}")
        demo.play()
        judge = Judge(demo)
        rows = judge.verdict()
        wrong = judge.wrong + demo.check()
        table = demo.table()
    say(f"\n{'order':<24} {'document':<44} {'total':>9} {'state':<12} what is odd about it")
    for row in rows:
        say(row)
    for row in table:
        say(row)
    say(f"\n{len(rows)} orders in {time.monotonic() - began:.0f} s.")
    for line in wrong:
        say(f"WRONG: {line}")
    say("The ledger does not match." if wrong else demo.good)
    return 1 if wrong else 0


def main() -> int:
    """The status of the demo that the environment asks for."""
    catalogue = os.environ.get("CATALOGUE", "")
    if catalogue == "many":
        return many.play(int(os.environ.get("PRODUCTS") or 10_000), (10, 100, 1000), kills=4)
    name = "catalogue" if catalogue else os.environ.get("PROVIDER") or "igest"
    if name not in DEMOS:
        print(f"PROVIDER can be {', '.join(DEMOS)}; not {name}", file=sys.stderr)
        return 2
    return run(DEMOS[name])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, Missing, AssertionError) as problem:
        print(problem, file=sys.stderr, flush=True)
        sys.exit(1)
