"""A shop and an invoicing system that answer every call after the same delay, and count the calls.

`python -m dev.benchmarks.delayed_stub PORT SECONDS`. It implements as much of Jumpseller's API and of the plain
provider's as a paid order needs, stores nothing, and uses little CPU time: one loop in one process. `GET
/counted` returns the calls and documents so far.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any

ADDRESS = {"name": "Ana", "surname": "Exemplo", "address": "Rua do Exemplo 1", "city": "Lisboa", "postal": "1000-100",
           "country_code": "PT"}  # fmt: skip
TAX = {"id": 1, "name": "IVA", "rate": 23.0, "fixed": False, "tax_on_product_price": True}
LINE = {"id": 7, "sku": "TACA-01", "name": "Taça", "qty": 2, "price": 12.3, "discount": 0.0, "type": "physical",
        "taxes": [TAX]}  # fmt: skip
ORDER: dict[str, Any] = {
    "created_at": "2026-11-20 10:00:00 UTC", "completed_at": "2026-11-20 10:05:00 UTC", "currency": "EUR",
    "status_enum": "paid", "total": 24.6, "discount": 0.0, "shipping": 0.0, "shipping_discount": 0.0,
    "shipping_tax": 0.0, "gift_cards_discount": 0.0, "products": [LINE], "shipping_taxes": [],
    "payment_method_name": "MB WAY",
    "customer": {"email": "ana@example.pt", "fullname": "Ana Exemplo"}, "shipping_address": ADDRESS,
    "billing_address": ADDRESS,
}  # fmt: skip
_ORDER = re.compile(r"/v1/orders/(\d+)\.json")


class DelayedStub:
    """The counters, and the answer to each call."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls = 0
        self.documents = 0

    def answer(self, method: str, path: str, body: bytes) -> Any:
        """Return the answer to a call: the order, the document or nothing."""
        if found := _ORDER.fullmatch(path):
            return {"order": {"id": int(found.group(1)), **ORDER}}
        if method == "POST" and path == "/v1/documents":
            self.documents += 1
            content = json.loads(body)
            number = f"{content['kind']} 2026P/{self.documents}"
            return {**content, "id": str(self.documents), "number": number}
        return [] if method == "GET" else {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection with one call."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path = head.split(" ", 2)[:2]
            length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length.group(1))) if length else b""
            if path == "/counted":
                content: Any = {"calls": self.calls, "documents": self.documents}
            else:
                await asyncio.sleep(self.seconds)
                content = self.answer(method, path.partition("?")[0], body)
                self.calls += 1
            sent = json.dumps(content).encode()
            status = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
            writer.write(f"{status}Connection: close\r\n\r\n".encode() + sent)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main(port: int, seconds: float) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(DelayedStub(seconds).serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
