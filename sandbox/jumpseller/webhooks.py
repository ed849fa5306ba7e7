"""Send webhooks: signed, at least once, retried after N^4 minutes, paused after eight failures.

A delivery is stored before its first attempt, so a restart continues where it stopped. Its body is fixed when
the event happens.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import random
import ssl
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sandbox.core.storage import Json

from .platform_state import PlatformState, Shop, format_timestamp

MAX_TRIES = 5
FAILURES_BEFORE_PAUSE = 8
THREADS = 8
COPIES = {"one": 1, "two": 2, "five": 5}


def signature(body: bytes, token: str) -> str:
    """Return the value of Jumpseller-Hmac-Sha256 for these bytes."""
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def retry_delay(failed_tries: int, clock_scale: float) -> float:
    """Return the seconds until the next attempt after `failures` failed ones: N^4 minutes, divided by the scale."""
    return float(failed_tries**4 * 60) / clock_scale


def post(url: str, body: bytes, headers: dict[str, str], limit: float) -> tuple[int, str]:
    """Post the webhook. Return the status and the beginning of the answer, or 0 and the reason without one."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=limit, context=unchecked
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=limit)
    try:
        connection.request(
            "POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers
        )
        answer = connection.getresponse()
        return answer.status, answer.read(500).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as failed:
        return 0, f"{type(failed).__name__}: {failed}"
    finally:
        connection.close()


class WebhookSender:
    """The deliveries of every shop, and the threads that send them."""

    def __init__(self, platform: PlatformState) -> None:
        self.platform = platform
        self.deliveries: dict[int, Json] = {}
        self.log_limit = 20_000
        self._due: list[tuple[float, int]] = []
        self._condition = threading.Condition()
        self._busy = 0
        self._delivery_ids = itertools.count(1)
        self._loss_counter = itertools.count(1)
        self._random = random.Random(7)
        self._is_stopped = False
        self._threads: list[threading.Thread] = []
        self._load()

    # --- enqueuing ---------------------------------------------------------------------------------------

    def enqueue(
        self, shop: Shop, event: str, body: Json, copies: int | None = None, changes: Json | None = None
    ) -> int:
        """Enqueue a delivery to every webhook of the shop for the event and return their number.

        `changes` is for hostile tests: `raw` (another body), `signature`, `store_code`, `event`, `headers`.
        """
        switches = self.platform.switches
        losses = switches["hook-losses"]
        begun = 0
        for hook in [one for one in list(shop.hooks.values()) if one["event"] == event]:
            for _ in range(copies or COPIES[switches["hook-copies"]]):
                is_lost = losses == "all" or (losses == "every-third" and next(self._loss_counter) % 3 == 0)
                if is_lost and copies is None:
                    continue
                self._create_delivery(shop, hook, event, body, changes or {})
                begun += 1
        return begun

    def _create_delivery(self, shop: Shop, hook: Json, event: str, body: Json, changes: Json) -> None:
        is_shuffled = self.platform.switches["hook-order"] == "shuffled"
        delay = self._random.random() / 2 if is_shuffled else 0.0
        raw = changes.get("raw")
        delivery: Json = {
            "id": next(self._delivery_ids),
            "shop": shop.code,
            "hook_id": hook["id"],
            "event": event,
            "url": hook["url"],
            "body": raw if raw is not None else json.dumps(body, separators=(",", ":"), ensure_ascii=False),
            "triggered_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC",
            "order_id": (body.get("order") or {}).get("id"),
            "product_id": (body.get("product") or {}).get("id"),
            "changes": {key: value for key, value in changes.items() if key != "raw"},
            "state": "waiting",
            "due": time.time() + delay,
            "tries": [],
        }
        if hook.get("paused"):
            delivery["state"] = "paused"
        self._save(delivery)
        if delivery["state"] == "waiting":
            self._queue(delivery)

    # --- sending -----------------------------------------------------------------------------------------

    def _queue(self, delivery: Json) -> None:
        with self._condition:
            heapq.heappush(self._due, (delivery["due"], delivery["id"]))
            if not self._threads and not self._is_stopped:
                self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
                for thread in self._threads:
                    thread.start()
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._is_stopped and (not self._due or self._due[0][0] > time.time()):
                    self._condition.wait(self._due[0][0] - time.time() if self._due else None)
                if self._is_stopped:
                    return
                delivery = self.deliveries.get(heapq.heappop(self._due)[1])
                self._busy += 1
            try:
                if delivery and delivery["state"] == "waiting":
                    self._try_delivery(delivery)
            finally:
                with self._condition:
                    self._busy -= 1
                    self._condition.notify_all()

    def _try_delivery(self, delivery: Json) -> None:
        shop = self.platform.shops.get(delivery["shop"])
        hook = shop.hooks.get(delivery["hook_id"]) if shop else None
        if not shop or not hook or hook.get("paused"):
            delivery["state"] = "paused" if hook else "dropped"
            self._save(delivery)
            return
        body = delivery["body"].encode()
        changes = delivery["changes"]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Jumpseller",
            "Jumpseller-Store-Code": changes.get("store_code", shop.code),
            "Jumpseller-Event": changes.get("event", delivery["event"]),
            "Jumpseller-Hmac-Sha256": changes.get("signature", signature(body, shop.profile["hooks_token"])),
            "Jumpseller-Triggered-At": delivery["triggered_at"],
            **changes.get("headers", {}),
        }
        began = time.monotonic()
        limit = max(5.0, 15.0 / self.platform.clock_scale)
        status, answer = post(delivery["url"], body, headers, limit)
        delivery["tries"].append(
            {
                "at": format_timestamp(),
                "status": status,
                "answer": answer,
                "ms": round((time.monotonic() - began) * 1000),
            }
        )
        self._record_result(shop, hook, delivery, 200 <= status < 300)

    def _record_result(self, shop: Shop, hook: Json, delivery: Json, is_good: bool) -> None:
        with self.platform.lock:
            hook["failures"] = 0 if is_good else hook.get("failures", 0) + 1
            if not is_good and hook["failures"] >= FAILURES_BEFORE_PAUSE:
                hook["paused"] = True
                notice = (
                    f"Webhook {hook['event']} em pausa após {FAILURES_BEFORE_PAUSE} falhas: {hook['url']}"
                )
                for to in (shop.profile["email"], "autor@quickinvoice.example"):
                    shop.profile["letters"].append({"to": to, "at": format_timestamp(), "text": notice})
                shop.save()
            if hook["id"] in shop.hooks and (not is_good or hook.pop("was_failing", False)):
                hook["was_failing"] = not is_good
                shop.put("hook", hook)
        tries = len(delivery["tries"])
        if is_good:
            delivery["state"] = "done"
        elif hook.get("paused"):
            delivery["state"] = "paused"
        elif tries >= MAX_TRIES:
            delivery["state"] = "given-up"
        else:
            delivery["due"] = time.time() + retry_delay(tries, self.platform.clock_scale)
        self._save(delivery)
        if delivery["state"] == "waiting":
            self._queue(delivery)

    # --- storing -----------------------------------------------------------------------------------------

    def _save(self, delivery: Json) -> None:
        self.deliveries[delivery["id"]] = delivery
        self.platform.storage.put("delivery", delivery["id"], delivery)
        if len(self.deliveries) > self.log_limit:
            with self._condition:
                for number in list(self.deliveries)[: self.log_limit // 10]:
                    if self.deliveries[number]["state"] != "waiting":
                        del self.deliveries[number]
                        self.platform.storage.drop("delivery", number)

    def _load(self) -> None:
        kept = {int(key): value for key, value in self.platform.storage.all("delivery").items()}
        self.deliveries = dict(sorted(kept.items()))
        self._delivery_ids = itertools.count(max(kept, default=0) + 1)
        for delivery in self.deliveries.values():
            if delivery["state"] == "waiting":
                self._queue(delivery)

    def reset(self) -> None:
        """Forget every delivery."""
        with self._condition:
            self._due.clear()
            self.deliveries = {}

    def wait_until_idle(self, limit: float) -> bool:
        """Wait until every webhook was attempted and no retry is due; return False after `limit` seconds."""
        until = time.monotonic() + limit
        with self._condition:
            while self._busy or self._has_pending():
                if time.monotonic() > until:
                    return False
                self._condition.wait(0.05)
        return True

    def _has_pending(self) -> bool:
        """Return whether a delivery is due, or held back so that the order can be shuffled."""
        now = time.time()
        return any(due <= now or not self.deliveries[number]["tries"] for due, number in self._due)

    def stop(self) -> None:
        """Stop the threads after their current request; do not wait for a slow one."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)
