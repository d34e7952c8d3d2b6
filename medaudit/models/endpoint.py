"""Models behind a server that speaks the OpenAI chat protocol: vLLM, llama.cpp, ``transformers serve``.

The key comes from ``MEDAUDIT_API_KEY``, else ``OPENAI_API_KEY``. It is sent to the named host alone and
appears in no message, note or fingerprint.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from threading import Lock
from typing import Any

import httpx

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, LoadOptions, ModelInfo, Request
from medaudit.models.endpoint_chat import Dialect, Letter, Reply, complaint, letter, quotable, read_reply
from medaudit.models.endpoint_record import ServerRecord, identity, shown
from medaudit.models.endpoint_wire import Patience, Refused, Unanswered, Wire
from medaudit.models.foreign import refuse_checkpoint_options

#: Requests in flight at once; servers batch what arrives together.
CONCURRENCY = 8
_FORM = "endpoint:http://host:port/v1#model-name"


def load_endpoint(
    url: str,
    name: str,
    options: LoadOptions,
    *,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> EndpointModel:
    """Connect to the server at ``url`` and return its model ``name``.

    ``options.timeout_s`` bounds each reply; ``options.extra["concurrency"]`` sets the requests in flight.
    Raises :class:`ModelError` when the server is not there, refuses the key or serves no such API.
    """
    refuse_checkpoint_options(f"endpoint {name!r}", options)
    address = _address(url)
    key = os.environ.get("MEDAUDIT_API_KEY") or os.environ.get("OPENAI_API_KEY") or None
    wire = Wire(address, key, options.timeout_s, patience, sleep)
    try:
        listing, notes = _listing(wire, address, name, key)
    except BaseException:  # closed whatever ended the attempt, and raised again
        wire.close()
        raise
    return EndpointModel(wire, name, key, listing, notes, int(options.extra.get("concurrency", CONCURRENCY)))


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ModelError(f"The endpoint's address is not a URL. Type {_FORM}.") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise ModelError(f"{shown(address)!r} is no server's address. Type {_FORM}.")
    return address


def _listing(
    wire: Wire, address: httpx.URL, name: str, key: str | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """What ``GET /models`` lists. A server that cannot list models may still serve one."""
    notes = []
    if key and address.scheme == "http" and address.host not in {"localhost", "127.0.0.1", "::1"}:
        notes.append("the key and the images travel unencrypted: the address is http, not https")
    try:
        reply = wire.send("/models", attempts=min(2, wire.patience.attempts))
    except Unanswered as fault:
        if not fault.reached:
            raise ModelError(
                f"Nothing answers at {shown(address)}: GET {shown(address)}/models gave {fault}. "
                f"Start the server, or type its right address: {_FORM}."
            ) from fault
        return [], [*notes, f"the server does not list its models: {fault}"]
    except Refused as refusal:
        raise _mistake(refusal, shown(address), name, [], key) from refusal
    data = reply.get("data") if isinstance(reply, dict) else None
    entries = [entry for entry in data or [] if isinstance(entry, dict)] if isinstance(data, list) else []
    if not any(entry.get("id") == name for entry in entries):
        notes.append("the server's list of models does not name this one")
    return entries, notes


def _mistake(refusal: Refused, address: str, name: str, listed: Sequence[str], key: str | None) -> ModelError:
    """The message for a refusal that no other request would escape."""
    if refusal.status in {401, 403}:
        sent = "the key that was sent" if key else "a request without a key"
        return ModelError(
            f"{address} refused {sent} (HTTP {refusal.status}). "
            f"Set MEDAUDIT_API_KEY or OPENAI_API_KEY to a key that may use {name!r}."
        )
    if refusal.status == 404 and listed:
        near = get_close_matches(name, listed, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return ModelError(
            f"{address} has no model {name!r} (HTTP 404).{hint} It lists: {', '.join(listed[:20])}."
        )
    return ModelError(
        f"{address} speaks no OpenAI API for {name!r} (HTTP {refusal.status}). "
        f"Type the address up to /v1, and a model that the server has: {_FORM}."
    )


class EndpointModel:
    """A served model behind the model protocol: free text only.

    Requests of a batch are sent side by side; those marked ``alone`` one after another. What fails for
    good is ``Answer(error=...)``; an answer is never made of an error's text.
    """

    def __init__(
        self,
        wire: Wire,
        name: str,
        key: str | None,
        listing: list[dict[str, Any]],
        notes: Sequence[str],
        concurrency: int = CONCURRENCY,
    ) -> None:
        self.wire = wire
        self.name = name
        self.concurrency = max(1, concurrency)
        self._key = key
        self._listed = [str(entry["id"]) for entry in listing if "id" in entry]
        self._notes = tuple(notes)
        self._fingerprint = identity(wire.url, name, listing)
        self._dialect = Dialect()
        self._record = ServerRecord()
        self._lock = Lock()

    @property
    def info(self) -> ModelInfo:
        """What audit.json says; notes grow with what the server does."""
        sampled = self._dialect.temperature is None
        refused = ("the server refused temperature 0: its answers are sampled",) if sampled else ()
        return ModelInfo(
            id=f"endpoint:{shown(self.wire.url)}#{self.name}",
            kind="endpoint",
            fingerprint=self._fingerprint,
            capabilities=frozenset({Capability.GENERATE}),
            notes=(*self._notes, *refused, *self._record.notes()),
        )

    def cost(self, request: Request) -> int:
        """Rough tokens: four characters each, 256 an image."""
        return len(request.prompt) // 4 + 256 * len(request.images)

    def prepare(self, requests: Sequence[Request]) -> list[Letter]:
        return [letter(request) for request in requests]

    def answer(self, prepared: Sequence[Letter]) -> list[Answer]:
        self.wire.stopped.clear()
        together = [place for place, sent in enumerate(prepared) if not sent.alone]
        answers: dict[int, Answer] = {}
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="medaudit-endpoint")
        try:
            replies = pool.map(self._ask, [prepared[place] for place in together])
            answers.update(zip(together, replies, strict=True))
        except BaseException:  # an interrupt too must stop the requests in flight; raised again
            self.wire.stopped.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for place, sent in enumerate(prepared):
            if sent.alone:
                answers[place] = self._ask(sent)
        return [answers[place] for place in range(len(prepared))]

    def close(self) -> None:
        self.wire.close()

    def _ask(self, sent: Letter) -> Answer:
        if sent.refusal is not None:
            return Answer(error=sent.refusal)
        try:
            reply = self._converse(sent)
        except Unanswered as fault:
            return Answer(error=str(fault))
        except Refused as refusal:
            if refusal.status in {401, 403, 404} or refusal.status < 400:
                raise _mistake(refusal, shown(self.wire.url), self.name, self._listed, self._key) from refusal
            return self._refused(refusal, sent)
        self._record.note(sent, reply)
        return reply.answer

    def _refused(self, refusal: Refused, sent: Letter) -> Answer:
        """One refused request; when none ever worked and the model's name is the matter, a mistake."""
        said = complaint(refusal.detail)
        shows = quotable(said, self._key, sent.prompt)
        named = re.search(rf"(?<![\w./-]){re.escape(self.name)}(?![\w./-])", said)
        if named and not self._record.answered:
            raise ModelError(f"{shown(self.wire.url)} refuses {self.name!r} (HTTP {refusal.status}){shows}")
        return Answer(error=f"HTTP {refusal.status}{shows}")

    def _converse(self, sent: Letter) -> Reply:
        """Send one letter; a field that the server refuses is left out from then on, if that helps."""
        dialect = self._dialect
        while True:
            try:
                reply = self.wire.send("/chat/completions", sent.body(self.name, dialect))
            except Refused as refusal:
                # A question that holds the word must not change how every other one is asked.
                said = complaint(refusal.detail).replace(sent.prompt, "")
                simpler = dialect.without(said) if refusal.status in {400, 422} else None
                if simpler is None:
                    raise
                dialect = simpler
                continue
            with self._lock:
                self._dialect = dialect
            return read_reply(reply)
