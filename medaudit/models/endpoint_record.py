"""What is known of a served model: its identity, and what its replies give away."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import httpx

from medaudit.models.endpoint_chat import Dialect, Letter, Reply

#: Raise it when the same server would answer differently because this package asks differently.
ROUTE_VERSION = "1"
_REMEMBERED = 4096
#: Servers that stamp ``created`` at start or at every call would change their fingerprint with it.
_SETTLED_S = 7 * 86_400


def shown(url: httpx.URL) -> str:
    """The address for messages and audit.json: no credentials, no query."""
    port = f":{url.port}" if url.port is not None else ""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{port}{url.path.rstrip('/')}"


def identity(
    url: httpx.URL, name: str, listing: Sequence[Mapping[str, Any]], now_s: float | None = None
) -> str:
    """sha256 over address, model name, decoding, and what the server lists of the model; 64 hex digits.

    Weights cannot be seen from here: a server that swaps them under the same name keeps its fingerprint.
    ``created`` counts once it is a week old: many servers put the present time there.
    """
    entry = next((entry for entry in listing if entry.get("id") == name), {})
    known = {
        field: entry[field] for field in ("owned_by", "root", "parent", "max_model_len") if field in entry
    }
    created = entry.get("created")
    now_s = time.time() if now_s is None else now_s
    if isinstance(created, int | float) and created < now_s - _SETTLED_S:
        known["created"] = created
    parts = {
        "route": ROUTE_VERSION,
        "url": shown(url),
        "model": name,
        "listed": known,
        "decoding": Dialect().fields(0),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class ServerRecord:
    """Counts what replies give away: answers cut short, and images that cost no tokens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.answered = 0
        self._cut = 0
        self._tokens: dict[tuple[str, int], int] = {}

    def note(self, sent: Letter, reply: Reply) -> None:
        with self._lock:
            self.answered += 1
            self._cut += reply.cut
            if reply.prompt_tokens is not None and len(self._tokens) < _REMEMBERED:
                prompt = hashlib.blake2b(sent.prompt.encode(), digest_size=8).hexdigest()
                self._tokens[prompt, sent.images] = reply.prompt_tokens

    def notes(self) -> tuple[str, ...]:
        """Sentences for audit.json."""
        with self._lock:
            found = []
            if self._cut:
                found.append(f"{self._cut} of {self.answered} answers were cut at the length limit")
            bare = {prompt: count for (prompt, images), count in self._tokens.items() if not images}
            pairs = [
                count == bare[prompt]
                for (prompt, images), count in self._tokens.items()
                if images and prompt in bare
            ]
            if pairs and all(pairs):
                found.append(
                    f"the server counts as many prompt tokens with the image as without it ({len(pairs)} "
                    "questions): it may drop images before the model sees them"
                )
            return tuple(found)
