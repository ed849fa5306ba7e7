"""The plan of a torture run: its size, seed, guarantee, database, and the protection removed from the app.

Read from the environment (LEVEL, SEED, PROMISE, DB, SABOTAGE, PROVIDER, PLATFORM, ORDERS, KILLS, SECONDS,
FROZEN).
Immutable.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

LEVELS = {"smoke": (500, 100), "full": (10_000, 1_000)}
"""Orders and kills."""
GUARANTEES = ("by_key", "by_draft", "by_search", "by_person")
DATABASES = ("postgres", "sqlite")
SABOTAGES = {
    "no-settle": "by_search",
    "retry-post": "by_search",
    "check-then-post": "by_search",
    "redraft-in-doubt": "by_draft",
}
"""Each with the guarantee that it breaks."""
DEFAULT_GUARANTEES = {"phcgo": "by_draft"}
"""A provider's guarantee unless another is requested; the plain one has whichever is requested."""
FROZEN_SIZE = (3_000, 300)
BURST, LEAST_BURST = 0.05, 50

FAULT_SHARE = 0.3
"""The share of the invoicing system's calls that fail."""
SEARCH_LAG_SECONDS = 1
TIME_SCALE = 20
"""By roughly which factor the times of the failure model are shorter than in production."""
LEASE_SECONDS, SETTLE_SECONDS = 6.0, 8.0
REST_LIMIT = SETTLE_SECONDS + 120
"""Seconds within which all work must be done once the faults stop (I9)."""
FROZEN_SECONDS = LEASE_SECONDS + SETTLE_SECONDS + 2
SETTINGS = {
    "WORKERS": "3", "WEB_PROCESSES": "1", "CLOCK_SECONDS": "0.5", "CALL_SECONDS": "3",
    "HOOK_WATCH_SECONDS": "10", "HOOK_SILENCE_SECONDS": "24", "RECONCILE_SECONDS": "5",
    "LEASE_SECONDS": f"{LEASE_SECONDS:g}", "TAKE_SECONDS": "4",
    "LOOKUP_SECONDS": "1", "SETTLE_SECONDS": f"{SETTLE_SECONDS:g}", "RETRY_SECONDS": "0.5", "LOG_LEVEL": "WARNING",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """One run; the same seed gives the same orders, faults and strikes."""

    seed: str
    guarantee: str = "by_search"
    db: str = "postgres"
    sabotage: str = ""
    provider: str = "plain"
    platform: str = "jumpseller"
    orders: int = 500
    kills: int = 100
    seconds: float = 0.0
    """The least duration of the traffic."""
    frozen: float = 0.0
    """The share of sends in which the worker freezes between its last check and the call."""

    @classmethod
    def from_environment(cls, given: dict[str, str]) -> Plan:
        """Return the one run that the environment asks for."""
        sabotage = given.get("SABOTAGE") or ""
        provider = given.get("PROVIDER") or "plain"
        orders, kills = LEVELS[given.get("LEVEL") or "smoke"]
        if given.get("ORDERS"):
            orders = int(given["ORDERS"])
            kills = orders // 5
        return cls(
            given.get("SEED") or secrets.token_hex(4),
            given.get("PROMISE") or SABOTAGES.get(sabotage) or DEFAULT_GUARANTEES.get(provider, "by_search"),
            given.get("DB") or "postgres", sabotage, provider, given.get("PLATFORM") or "jumpseller",
            orders, int(given.get("KILLS") or kills), float(given.get("SECONDS") or 0),
            float(given.get("FROZEN") or 0),
        )  # fmt: skip

    @property
    def burst(self) -> int:
        """Return the number of orders that come at once at the end, so that the faults stop over unfinished work."""
        return min(self.orders // 2, max(LEAST_BURST, round(self.orders * BURST)))

    @property
    def is_significant(self) -> bool:
        """Return whether the run is so large that too few strikes or faults would make it worthless."""
        return self.orders >= 500

    @property
    def settings(self) -> dict[str, str]:
        """Return the app's settings: times scaled; more workers where some of them freeze."""
        # A large run reads all its orders again each time, as production does every ten minutes with those of
        # three days.
        watch = {"RECONCILE_SECONDS": "20", "HOOK_WATCH_SECONDS": "2"} if self.large else {}
        return SETTINGS | watch | ({"WORKERS": "6"} if self.frozen else {})

    @property
    def large(self) -> bool:
        """Return whether the shop is so busy that it pauses its webhooks within a second of any outage.

        The app then sees the pause in the list of webhooks; otherwise order polling would have to wait out
        every outage.
        """
        return self.orders > 2_000

    def __str__(self) -> str:
        words = [f"SEED={self.seed}", f"PROMISE={self.guarantee}", f"DB={self.db}"]
        words += [f"SABOTAGE={self.sabotage}"] if self.sabotage else []
        words += [f"PROVIDER={self.provider}"] if self.provider != "plain" else []
        words += [f"PLATFORM={self.platform}"] if self.platform != "jumpseller" else []
        words += [f"FROZEN={self.frozen:g}"] if self.frozen else []
        return " ".join([*words, f"ORDERS={self.orders}", f"KILLS={self.kills}"])


def plans(given: dict[str, str]) -> list[Plan]:
    """Return the runs that the environment asks for: one, the twelve of `all`, or the fourteen of `release`."""
    level = given.get("LEVEL")
    if level not in ("all", "release"):
        return [Plan.from_environment(given)]
    first = Plan.from_environment({**given, "LEVEL": "smoke" if level == "all" else "full"})
    wanted = _all(first) if level == "all" else _release(first)
    return [replace(plan, seed=f"{first.seed}-{number}") for number, plan in enumerate(wanted, 1)]


def _all(first: Plan) -> list[Plan]:
    """Return every guarantee on both databases, and every sabotage where it matters."""
    whole = [replace(first, guarantee=guarantee, db=db) for guarantee in GUARANTEES for db in DATABASES]
    return whole + [replace(first, guarantee=hurt, sabotage=name) for name, hurt in SABOTAGES.items()]


def _release(first: Plan) -> list[Plan]:
    """Return ten large runs, one on SQLite, and one with frozen sends for each guarantee that must withstand them."""
    large = [first] * 10 + [replace(first, db="sqlite")]
    orders, kills = FROZEN_SIZE
    bearing = [guarantee for guarantee in GUARANTEES if guarantee != "by_search"]
    return large + [
        replace(first, guarantee=guarantee, frozen=0.01, orders=orders, kills=kills) for guarantee in bearing
    ]
