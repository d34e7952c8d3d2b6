"""Requests over HTTP: retried, bounded in time and size, and to the named host only.

The client follows no redirect and reads no proxy from the environment, so pixels and questions go where
the user said and nowhere else. ``SSL_CERT_FILE`` is honoured, for servers behind a hospital's own authority.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

#: A chat answer is a few kilobytes; a stream without end must not fill the memory.
MAX_REPLY_BYTES = 16 << 20
_CONNECT_S = 10.0
_RETRIED = {408, 425, 429}


class Refused(Exception):
    """The server will not do this, however often it is asked: a 3xx or 4xx status.

    ``detail`` is the server's own text. It may repeat the question or the key: never show it unchecked.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.detail = detail


class Unanswered(Exception):
    """No usable reply after every attempt; ``reached`` says whether the server replied at all."""

    def __init__(self, reason: str, attempts: int, reached: bool) -> None:
        super().__init__(f"{reason} ({attempts} attempt{'s' if attempts > 1 else ''})")
        self.reached = reached


class _Fault(Exception):
    """One attempt that failed in a way that may pass."""

    def __init__(self, reason: str, reached: bool, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reached = reached
        self.wait_s = wait_s


@dataclass(frozen=True)
class Patience:
    """How often, and how long to wait between: ``first_wait_s * 2**k``, at most ``longest_wait_s``.

    A server's Retry-After wins over the formula and has a bound of its own.
    """

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 16.0
    longest_retry_after_s: float = 60.0

    def wait_s(self, failed: int, retry_after_s: float | None) -> float:
        """Seconds to wait after ``failed`` failed attempts (1 or more)."""
        if retry_after_s is not None:
            return min(max(retry_after_s, 0.0), self.longest_retry_after_s)
        return float(min(self.first_wait_s * 2 ** (failed - 1), self.longest_wait_s))


class Wire:
    """JSON over HTTP to one server; safe to use from several threads."""

    def __init__(
        self,
        url: httpx.URL,
        key: str | None,
        timeout_s: float,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.copy_with(userinfo=b"")
        self.timeout_s = timeout_s
        self.patience = patience or Patience()
        self.stopped = threading.Event()
        self._sleep = sleep
        self._silent = False
        authority = os.environ.get("SSL_CERT_FILE")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            auth=(url.username, url.password) if url.userinfo else None,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            verify=ssl.create_default_context(cafile=authority) if authority else True,
            trust_env=False,
            follow_redirects=False,
        )
        # Nobody closes a model at the end of a scan; its sockets go with it.
        self._finalizer = weakref.finalize(self, self._client.close)

    def send(self, path: str, body: dict[str, Any] | None = None, attempts: int | None = None) -> Any:
        """Return the decoded JSON reply to a POST of ``body``, or to a GET without one.

        Raises :class:`Refused` at once and :class:`Unanswered` after the last attempt. A server that let
        one request down by silence is not waited for again and again: the next ones get one attempt.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = self._once(path, body)
            except _Fault as fault:
                hopeless = self._silent and not fault.reached
                if hopeless or attempt >= (attempts or self.patience.attempts) or self.stopped.is_set():
                    self._silent = not fault.reached
                    raise Unanswered(str(fault), attempt, fault.reached) from fault
                self._sleep(self.patience.wait_s(attempt, fault.wait_s))
            else:
                self._silent = False
                return reply

    def _once(self, path: str, body: dict[str, Any] | None) -> Any:
        url = self.url.copy_with(path=self.url.path.rstrip("/") + path)
        try:
            with self._client.stream("POST" if body else "GET", url, json=body) as response:
                content = self._read(response)
        except httpx.TimeoutException as error:
            raise _Fault(f"no reply within {self.timeout_s:g} s", reached=False) from error
        except httpx.ConnectError as error:
            raise _Fault("no connection", reached=False) from error
        except httpx.HTTPError as error:
            raise _Fault(f"the connection broke ({type(error).__name__})", reached=True) from error
        return _decoded(response, content)

    def _read(self, response: httpx.Response) -> bytes:
        """Read the body within the time allowed: httpx bounds each read, not their sum."""
        deadline = time.monotonic() + self.timeout_s
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > MAX_REPLY_BYTES:
                raise _Fault(f"a reply over {MAX_REPLY_BYTES >> 20} MiB", reached=True)
            if time.monotonic() > deadline:
                raise _Fault(f"no whole reply within {self.timeout_s:g} s", reached=True)
        return bytes(content)

    def close(self) -> None:
        """Stop retrying and drop the connections."""
        self.stopped.set()
        self._finalizer()


def _decoded(response: httpx.Response, content: bytes) -> Any:
    status = response.status_code
    if status in _RETRIED or status >= 500:
        wait_s = retry_after_s(response.headers.get("retry-after"))
        raise _Fault(f"HTTP {status}", reached=True, wait_s=wait_s)
    if status >= 300:
        raise Refused(status, content.decode("utf-8", "replace"))
    try:
        return json.loads(content)
    except ValueError as error:
        raise _Fault("a reply that is not JSON", reached=True) from error


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = parsedate_to_datetime(header)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        seconds = (when - (now or datetime.now(UTC))).total_seconds()
    return seconds if 0 <= seconds < float("inf") else None
