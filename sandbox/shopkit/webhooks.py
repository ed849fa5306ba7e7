"""Send webhooks: signed, retried five times an hour apart, suspended after that.

A delivery is stored before its first attempt, so a restart continues where it stopped. Its body is fixed when
the event happens.
"""

from __future__ import annotations

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
from urllib.parse import urlsplit

from sandbox.core.storage import Json

from .state import Shop, ShopkitState

RETRIES = 5
RETRY_SECONDS = 3600.0
TIME_LIMIT = 10.0
THREADS = 8
COPIES = {"one": 1, "two": 2, "five": 5}


def signature(body: bytes, secret: str) -> str:
    """Return the value of X-Webhook-Signature for these bytes."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def php_json(value: Json) -> str:
    """Return JSON as PHP writes it: ASCII, with slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Post the webhook. Return the status and the beginning of the answer, or 0 and the reason without one."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=TIME_LIMIT, context=unchecked
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIME_LIMIT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(500).decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException) as failed:
        return 0, f"{type(failed).__name__}: {failed}"
    finally:
        connection.close()


class WebhookSender:
    """The deliveries of every store, and the threads that send them."""

    def __init__(self, state: ShopkitState) -> None:
        self.state = state
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

    # --- enqueuing -----------------------------------------------------------------------------------------

    def enqueue(
        self,
        shop: Shop,
        event: str,
        body: Json,
        origin: str,
        copies: int | None = None,
        changes: Json | None = None,
        webhook_id: int | None = None,
    ) -> int:
        """Enqueue a delivery to every webhook of the store for the event (or to that one) and return their number.

        `changes` is for hostile tests: `raw` (another body), `signature`, `event`, `origin`, `headers`.
        """
        losses, begun = self.state.switches["webhook-losses"], 0
        for webhook in list(shop.webhooks.values()):
            if webhook["event"] != event or (webhook_id and webhook["id"] != webhook_id):
                continue
            for _ in range(copies or COPIES[self.state.switches["webhook-copies"]]):
                is_lost = losses == "all" or (losses == "every-third" and next(self._loss_counter) % 3 == 0)
                if is_lost and copies is None:
                    continue
                self._create_delivery(shop, webhook, body, origin, changes or {})
                begun += 1
        return begun

    def _create_delivery(self, shop: Shop, webhook: Json, body: Json, origin: str, changes: Json) -> None:
        is_shuffled = self.state.switches["webhook-order"] == "shuffled"
        raw = changes.get("raw")
        delivery: Json = {
            "id": next(self._delivery_ids),
            "shop": shop.code,
            "webhook_id": webhook["id"],
            "event": webhook["event"],
            "url": webhook["url"],
            "origin": changes.get("origin", origin),
            "body": raw if raw is not None else php_json(body),
            "order_id": _plain_id((body.get("order") or {}).get("id")),
            "product_id": (body.get("product") or {}).get("id"),
            "changes": {key: value for key, value in changes.items() if key not in ("raw", "origin")},
            "state": "suspended" if webhook.get("suspended") else "waiting",
            "due": time.time() + (self._random.random() / 2 if is_shuffled else 0.0),
            "tries": [],
        }
        self._save(delivery)
        if delivery["state"] == "waiting":
            self._queue(delivery)

    # --- sending -------------------------------------------------------------------------------------------

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
        shop = self.state.shops.get(delivery["shop"])
        webhook = shop.webhooks.get(delivery["webhook_id"]) if shop else None
        if not shop or not webhook or webhook.get("suspended"):
            delivery["state"] = "suspended" if webhook else "dropped"
            self._save(delivery)
            return
        body, changes = delivery["body"].encode(), delivery["changes"]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopkit-Webhook",
            "X-Platform": "Shopkit",
            "X-Shopkit-Environment": "production",
            "X-Shopkit-Event": changes.get("event", delivery["event"]),
            "X-Webhook-Resource-Origin": delivery["origin"],
            "X-Webhook-Signature": changes.get("signature", signature(body, self.state.webhook_secret(shop))),
            **changes.get("headers", {}),
        }
        if self.state.switches["webhook-origin"] == "absent":
            del headers["X-Webhook-Resource-Origin"]
        began = time.monotonic()
        status, answer = post(delivery["url"], body, headers)
        took = round((time.monotonic() - began) * 1000)
        delivery["tries"].append({"at": self.state.now(), "status": status, "answer": answer, "ms": took})
        self._record_result(shop, webhook, delivery, 200 <= status < 300)

    def _record_result(self, shop: Shop, webhook: Json, delivery: Json, is_good: bool) -> None:
        if is_good:
            delivery["state"] = "done"
        elif len(delivery["tries"]) > RETRIES:
            delivery["state"] = "given-up"
            with self.state.lock:
                if webhook["id"] in shop.webhooks:
                    shop.put("webhook", {**webhook, "suspended": True})
        else:
            delivery["due"] = time.time() + RETRY_SECONDS / self.state.clock_scale
        self._save(delivery)
        if delivery["state"] == "waiting":
            self._queue(delivery)

    # --- storing -------------------------------------------------------------------------------------------

    def _save(self, delivery: Json) -> None:
        self.deliveries[delivery["id"]] = delivery
        self.state.storage.put("delivery", delivery["id"], delivery)
        if len(self.deliveries) > self.log_limit:
            with self._condition:
                for number in list(self.deliveries)[: self.log_limit // 10]:
                    if self.deliveries[number]["state"] != "waiting":
                        del self.deliveries[number]
                        self.state.storage.drop("delivery", number)

    def _load(self) -> None:
        kept = {int(key): value for key, value in self.state.storage.all("delivery").items()}
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


def _plain_id(value: Json) -> int | None:
    return int(value) if value else None
