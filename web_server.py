"""gunicorn's worker for the web processes: a thread gets a request only when all of it has arrived.

In gunicorn's own workers the thread that runs the app also reads from the client, so as many half-sent requests
as there are threads block the process. Here one event loop holds all connections, reads requests and writes
answers, each within a time limit; the threads never touch a client's socket. gunicorn's parser still decides
what a request is.

This file is no part of `shopapp`: gunicorn loads it into its main process, and a reload (SIGHUP) does not import
again what that process has imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.wsgi import create
from gunicorn.workers.base import Worker

BODY_SECONDS = 20.0
"""How long a body may take, from the end of its headers; those may take `--keep-alive` seconds."""
ANSWER_SECONDS = 20.0
"""How long the client may take to receive an answer."""
LINGER_SECONDS = 2.0
"""How long a connection that is about to be closed stays open for what the client is still sending."""
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 5 * 1024 * 1024
"""A longer body is not read: the app refuses it by its length."""
LARGE_BYTES = 64 * 1024
LARGE_BODIES = 16
"""How many bodies over LARGE_BYTES or of unknown length a process reads at once: nobody can fill its memory."""

CLIENT_GONE = (OSError, asyncio.IncompleteReadError)


class Answer:
    """Stands for the client's socket while gunicorn writes an answer, and keeps it in memory."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.keep_alive = False

    def sendall(self, data: bytes) -> None:
        self.parts.append(bytes(data))

    def gettimeout(self) -> float:
        """Tell gunicorn that writing never blocks."""
        return 0.0


class BufferingWorker(Worker):  # type: ignore[misc]
    """Holds up to `--worker-connections` connections; one more drops the one that waits longest for its client."""

    def run(self) -> None:
        """Serve until the main process ends this one, or until the last of its `--max-requests`."""
        self.threads = ThreadPoolExecutor(self.cfg.threads)
        asyncio.run(self._serve())
        self.threads.shutdown(wait=False)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.large_bodies = asyncio.Semaphore(LARGE_BODIES)
        self.ending = asyncio.Event()
        self.connections: set[asyncio.Task[None]] = set()
        # Those that wait for their client, to send a request or to take an answer; the longest waiting one first.
        self.waiting: dict[asyncio.Task[None], None] = {}
        self.loop.add_signal_handler(signal.SIGTERM, self._end)
        for listener in self.sockets:
            listener.setblocking(False)
            self._listen(listener)
        while self.alive and self.ppid == os.getppid():
            self.notify()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), 1)
        self._end()
        await self._finish()

    def _end(self) -> None:
        self.alive = False
        self.ending.set()

    async def _finish(self) -> None:
        """Answer what has arrived or arrives within a moment, and close everything."""
        for listener in self.sockets:
            self.loop.remove_reader(listener)
            while self._accept(listener):
                pass  # when the main process ends too, the last close drops the connections that wait
            listener.close()
        began = time.monotonic()
        while self.connections and time.monotonic() < began + self.cfg.graceful_timeout:
            self.notify()
            await asyncio.wait(self.connections, timeout=0.5)
            if time.monotonic() > began + LINGER_SECONDS:
                for task in self.waiting:
                    task.cancel()

    def _listen(self, listener: Any) -> None:
        if self.alive:
            self.loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: Any) -> bool:
        """Take one connection that waits at the listener; return whether there was one and room for it."""
        if len(self.connections) >= self.cfg.worker_connections:
            oldest = next(iter(self.waiting), None)
            if oldest is None:
                # All are being answered. Those that come now stay in the kernel's queue for a moment.
                self.loop.remove_reader(listener)
                self.loop.call_later(0.05, self._listen, listener)
                return False
            del self.waiting[oldest]
            oldest.cancel()
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False  # another process took it, or it is gone
        task = self.loop.create_task(self._converse(client, address, listener.getsockname()))
        self.connections.add(task)
        self.waiting[task] = None
        task.add_done_callback(self._forget)
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.connections.discard(task)
        self.waiting.pop(task, None)

    async def _converse(self, client: socket.socket, address: Any, server: Any) -> None:
        """Answer the requests of one connection, one after the other."""
        reader = asyncio.StreamReader(MAX_HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        client.setblocking(False)
        transport, _ = await self.loop.connect_accepted_socket(lambda: protocol, client)
        transport.set_write_buffer_limits(0)  # an answer counts as sent when the kernel has all of it
        writer = asyncio.StreamWriter(transport, protocol, reader, self.loop)
        task = asyncio.current_task()
        assert task
        try:
            while True:
                self.waiting[task] = None
                answer = Answer()
                try:
                    request = await self._read_request(reader, writer, address)
                except CLIENT_GONE:
                    return
                except asyncio.LimitOverrunError:
                    self.handle_error(None, answer, address, LimitRequestHeaders("too long"))
                except Exception as problem:  # noqa: BLE001  the parser's own errors: 400, 414, 501 ...
                    self.handle_error(None, answer, address, problem)
                else:
                    del self.waiting[task]
                    self._count_request()
                    await self.loop.run_in_executor(
                        self.threads, self._respond, request, answer, address, server
                    )
                    self.waiting[task] = None
                async with asyncio.timeout(ANSWER_SECONDS):
                    writer.write(b"".join(answer.parts))
                    await writer.drain()
                    if not answer.keep_alive:
                        await self._say_goodbye(reader, writer)
                        return
        except CLIENT_GONE:
            pass
        finally:
            transport.abort()

    async def _say_goodbye(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read what the client is still sending: closing the socket before that could discard our answer."""
        writer.write_eof()
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(MAX_HEAD_BYTES):
                pass

    async def _read_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: Any
    ) -> Any:
        """Return the next request with its whole body in memory."""
        async with asyncio.timeout(self.cfg.keepalive):
            head = await reader.readuntil(b"\r\n\r\n")
        parser = get_parser(self.cfg, [head], address)
        request = next(parser)
        source = request.body.reader
        known = source.length if isinstance(source, LengthReader) else None
        if known == 0:
            return request
        if known is not None and known > MAX_BODY_BYTES:
            request.must_close = True
            return request
        if request._expected_100_continue:
            request._expected_100_continue = False
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with asyncio.timeout(BODY_SECONDS):
            if known is not None and known <= LARGE_BYTES:
                body = await reader.readexactly(known)
            else:
                async with self.large_bodies:
                    body = await (
                        _read_chunks(reader, request) if known is None else reader.readexactly(known)
                    )
        parser.unreader.unread(body)
        return request

    def _count_request(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self._end()

    def _respond(self, request: Any, answer: Answer, address: Any, server: Any) -> None:
        """Let the app answer. Runs in a thread."""
        began = time.monotonic()
        try:
            response, environ = create(request, answer, address, server, self.cfg)
            environ["wsgi.multithread"] = True
            if not self.alive or not self.cfg.keepalive:
                response.force_close()
            parts = self.wsgi(environ, response.start_response)
            try:
                for part in parts:
                    response.write(part)
                response.close()
            finally:
                self.log.access(response, request, environ, timedelta(seconds=time.monotonic() - began))
                if hasattr(parts, "close"):
                    parts.close()
            answer.keep_alive = not response.should_close()
        except Exception as problem:  # noqa: BLE001  nothing has been sent yet, so any failure gets its answer
            answer.parts.clear()
            self.handle_error(request, answer, address, problem)


async def _read_chunks(reader: asyncio.StreamReader, request: Any) -> bytes:
    """Return a chunked body as it was sent, for gunicorn's parser; only the beginning of one that is too long."""
    raw = bytearray()
    while len(raw) <= MAX_BODY_BYTES:
        line = await reader.readuntil(b"\r\n")
        raw += line
        size = line.partition(b";")[0].strip()
        if not size or size.strip(b"0123456789abcdefABCDEF"):
            break  # the parser will refuse it
        if not int(size, 16):
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n" and len(raw) <= MAX_BODY_BYTES:
                raw += line
            return bytes(raw + line)
        raw += await reader.readexactly(min(int(size, 16), MAX_BODY_BYTES) + 2)
    request.must_close = True
    return bytes(raw)
