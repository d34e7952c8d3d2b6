"""From what a user typed to a judge: an endpoint, a local text model, or Python; replies kept by content."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.grading.judge import Judge, judge_scale
from medaudit.model import Capability, LoadOptions, Model, Request

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from medaudit.engine import Engine
    from medaudit.store import Store

FORMS = "endpoint:http://host:port/v1#name, a folder or id of a text model, python:FILE:FACTORY, or f(prompt)"

#: Room for an object of JSON and a sentence around it.
MAX_NEW_TOKENS = 128


class StoredAsk:
    """Prompts in, replies out; each distinct prompt is asked once, ever, and kept as its batch is done.

    A prompt that could not be asked gives None and is asked again next time.
    """

    def __init__(self, engine: Engine, max_new_tokens: int) -> None:
        self.engine = engine
        self.max_new_tokens = max_new_tokens

    def __call__(self, prompts: list[str]) -> list[str | None]:
        requests = [
            Request(Capability.GENERATE, (), prompt, max_new_tokens=self.max_new_tokens) for prompt in prompts
        ]
        return [None if a.error is not None else a.text for a in self.engine.ask(requests)]


def judge_model(
    spec: str | os.PathLike[str] | Model | Callable[[str], str],
    *,
    scale: str | tuple[int, int] = "0-1",
    store: Store | Path | str | None = None,
    options: LoadOptions | None = None,
    batch_size: int | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> Judge:
    """Return the judge that ``spec`` names, decoding greedily, one reply per distinct prompt.

    ``endpoint:http://host:port/v1#name`` is a server; a folder or ``owner/name`` a local text model;
    ``python:FILE:FACTORY`` a factory of ``f(prompt) -> str``; a callable is that function. ``store`` is
    a file (or an open store) that keeps replies by model and prompt: a second run asks nothing, and an
    interrupted one loses at most the batch in flight. Without it they are kept in memory.

    Raises ModelError where the judge cannot be had and UsageError for an unknown scale.
    """
    from medaudit.engine import Engine
    from medaudit.store import Store

    wanted = judge_scale(scale)
    model = _model(spec, options or LoadOptions())
    kept = store if isinstance(store, Store) else Store(store or ":memory:")
    engine = Engine(model, kept, batch_size=batch_size)
    return Judge(StoredAsk(engine, max_new_tokens), wanted, name=model.info.id)


def _model(spec: Any, options: LoadOptions) -> Model:
    if all(hasattr(spec, name) for name in ("info", "prepare", "answer")):
        model: Model = spec
        return model
    if callable(spec):
        return _from_function(spec, "")
    if not isinstance(spec, str | os.PathLike) or not os.fspath(spec):
        raise ModelError(f"A judge was expected, {spec!r} was given. Give {FORMS}.")
    text = os.fspath(spec)
    scheme, _, rest = text.partition(":")
    if scheme == "endpoint":
        from medaudit.models import load_model

        return load_model(text, options)
    if scheme == "python":
        return _from_factory(text, rest)
    if scheme == "phantom":
        raise ModelError(f"{text!r} answers questions about images; it is no judge. Give {FORMS}.")
    from medaudit.grading.judge_local import load_text_model

    return load_text_model(text, options)


def _from_factory(text: str, target: str) -> Model:
    from medaudit.models.python_source import factory_of

    factory = factory_of(target)
    try:
        made = factory()
    except Exception as error:  # a user's factory may raise anything
        raise ModelError(
            f"{text}: the factory failed ({type(error).__name__}: {str(error)[:200]})."
        ) from error
    if not callable(made) and not hasattr(made, "answer"):
        raise ModelError(
            f"{text}: the factory returned {type(made).__name__}; it must return f(prompt) -> str."
        )
    return _from_function(made, text) if callable(made) else _model(made, LoadOptions())


def _from_function(function: Callable[[str], str], id: str) -> Model:
    """A function of the prompt behind the model protocol, its source deciding the fingerprint."""
    from medaudit.models.python_callable import CallableModel
    from medaudit.models.python_source import identity, qualified_name

    def shown(images: Sequence[PILImage], prompt: str) -> str:
        return function(prompt)

    fingerprint, notes = identity(function)
    return CallableModel(shown, id or f"python:{qualified_name(function)}", fingerprint, notes)
