"""What goes over the wire: requests as chat completions, replies as answers."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medaudit.model import Answer, Capability, Request

if TYPE_CHECKING:
    from medaudit.image import Image

_IDENTIFIER = re.compile(r"[\w.-]{1,64}")
#: Words that a server and a question share without one repeating the other.
_COMMON = frozenset({"answer", "does", "from", "have", "image", "images", "input", "model", "this", "what"})


@dataclass(frozen=True)
class Dialect:
    """The optional fields that a server takes. Greedy decoding with a fixed seed, as far as it lets us."""

    length_field: str = "max_tokens"
    seed: int | None = 0
    temperature: float | None = 0.0

    def fields(self, max_new_tokens: int) -> dict[str, Any]:
        given = {"temperature": self.temperature, "seed": self.seed, self.length_field: max_new_tokens}
        return {name: value for name, value in given.items() if value is not None}

    def without(self, complaint: str) -> Dialect | None:
        """The dialect that leaves out what the server complains about; None when it names no field."""
        if self.length_field == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, length_field="max_completion_tokens")
        if self.seed is not None and re.search(r"\bseed\b", complaint):
            return replace(self, seed=None)
        if self.temperature is not None and re.search(r"\btemperature\b", complaint):
            return replace(self, temperature=None)
        return None


@dataclass(frozen=True)
class Letter:
    """A request ready to send: its messages, and what to check the reply against."""

    prompt: str
    images: int
    messages: list[dict[str, Any]]
    max_new_tokens: int
    alone: bool
    refusal: str | None = None

    def body(self, model: str, dialect: Dialect) -> dict[str, Any]:
        return {
            "model": model,
            "messages": self.messages,
            "stream": False,
            **dialect.fields(self.max_new_tokens),
        }


def letter(request: Request) -> Letter:
    """Encode a request: one user message, images first as PNG data URIs, then the text."""
    refusal = None
    if request.task is not Capability.GENERATE or request.intervention:
        refusal = f"a server cannot {request.intervention or request.task.value}"
    items = [{"type": "image_url", "image_url": {"url": data_uri(image)}} for image in request.images]
    content: Any = [*items, {"type": "text", "text": request.prompt}]
    return Letter(
        prompt=request.prompt,
        images=len(items),
        messages=[{"role": "user", "content": content}],
        max_new_tokens=request.max_new_tokens,
        alone=request.alone,
        refusal=refusal,
    )


def data_uri(image: Image) -> str:
    """The picture as ``data:image/png;base64,...``: lossless, so that the server sees the pixels keyed."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(image.pixels()).save(buffer, format="PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


@dataclass(frozen=True)
class Reply:
    """An answer with what the server says about it."""

    answer: Answer
    cut: bool = False
    prompt_tokens: int | None = None


def read_reply(reply: Any) -> Reply:
    """Read a chat completion. What is not a message with text is an error, never an empty answer."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        return Reply(Answer(error="a reply without choices"))
    text = _text(message)
    finish = first.get("finish_reason")
    usage = reply.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    counted = tokens if isinstance(tokens, int) else None
    if text is None:
        why = finish if isinstance(finish, str) and _IDENTIFIER.fullmatch(finish) else "not given"
        return Reply(
            Answer(error=f"a reply without text (finish_reason: {why})"), finish == "length", counted
        )
    return Reply(Answer(text=text.strip()), finish == "length", counted)


def _text(message: dict[str, Any]) -> str | None:
    """Text of a message: a string, a list of text items, or the words of a refusal."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [item.get("text") for item in content if isinstance(item, dict)]
        found = [text for text in texts if isinstance(text, str)]
        return "".join(found) if found else None
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else None


def complaint(detail: str) -> str:
    """The server's error message, from OpenAI's form or FastAPI's, else its text."""
    try:
        parsed = json.loads(detail)
    except ValueError:
        return detail
    error = parsed.get("error", parsed.get("detail", parsed)) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        error = error.get("message", error)
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def quotable(text: str, secret: str | None, prompt: str) -> str:
    """What may be shown of a server's text: nothing where it repeats the key or words of the question."""
    flat = " ".join(text.split())
    words = {
        word for word in re.findall(r"\w+", prompt.casefold()) if len(word) > 3 or re.search(r"\d", word)
    }
    repeats = (words - _COMMON) & set(re.findall(r"\w+", flat.casefold()))
    if not flat or repeats or (secret and secret in flat) or "base64" in flat:
        return ""
    return f": {flat[:200]}"
