"""Requests to tensors: everything that a processor does, on the CPU."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medaudit.errors import DataError
from medaudit.model import Capability, Request
from medaudit.models.prompts import option_ids, placeholders, render, tokenizer_of


@dataclass(frozen=True)
class Group:
    """Requests that run together: as many images each, as many new tokens.

    ``places`` are their positions in the batch; ``inputs`` are CPU tensors, left-padded, (b, length, ...);
    ``options`` are token ids, ``options[request][option]``; ``error`` says why there are no inputs.
    """

    places: tuple[int, ...]
    inputs: dict[str, Any]
    options: tuple[tuple[tuple[int, ...], ...], ...] = ()
    max_new_tokens: int = 0
    error: str | None = None


class InputBuilder:
    """Turns requests into groups of tensors with a model's processor."""

    def __init__(self, processor: Any, network: Any) -> None:
        self.processor = processor
        self.tokenizer = tokenizer_of(processor)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        self.image_id = getattr(network.config, "image_token_id", None)
        self.named = _parameters(network)
        self._placeholder: str | None = None

    def groups(self, requests: Sequence[Request]) -> list[Group]:
        """Build every group; requests whose inputs cannot be built become groups with an ``error``."""
        kinds: dict[tuple[int, int], list[int]] = {}
        for place, request in enumerate(requests):
            new = request.max_new_tokens if request.task is Capability.GENERATE else 0
            kinds.setdefault((len(request.images), new), []).append(place)
        return [group for places in kinds.values() for group in self._build(requests, places)]

    def _build(self, requests: Sequence[Request], places: list[int]) -> list[Group]:
        try:
            return [self._group(requests, places)]
        except DataError:
            raise
        except Exception as error:  # processors raise anything on a request they cannot take
            if len(places) > 1:
                return [group for place in places for group in self._build(requests, [place])]
            return [Group(tuple(places), {}, error=f"{type(error).__name__}: {error}"[:200])]

    def _group(self, requests: Sequence[Request], places: list[int]) -> Group:
        chosen = [requests[place] for place in places]
        texts, inputs = self._processed(chosen)
        options: tuple[tuple[tuple[int, ...], ...], ...] = ()
        if chosen[0].task is Capability.CHOOSE:
            last = inputs["input_ids"][:, -1].tolist()
            options = tuple(
                tuple(tuple(option_ids(self.tokenizer, text, o, end)) for o in request.options)
                for request, text, end in zip(chosen, texts, last, strict=True)
            )
            if not all(several and all(several) for several in options):
                raise ValueError("a choice needs options, and every option needs text")
        return Group(tuple(places), inputs, options, chosen[0].max_new_tokens)

    def _processed(self, requests: Sequence[Request]) -> tuple[list[str], dict[str, Any]]:
        known = self._placeholder
        candidates = placeholders(self.processor) if known is None else [known]
        failure: Exception = ValueError("no image placeholder fits")
        for placeholder in candidates:
            try:
                texts, inputs = self._call(requests, placeholder)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
                failure = error
                continue
            if requests[0].images:
                if known is None and not self._placed(inputs):
                    continue
                self._placeholder = placeholder
            return texts, inputs
        raise failure

    def _call(self, requests: Sequence[Request], placeholder: str) -> tuple[list[str], dict[str, Any]]:
        texts = [render(self.processor, r.prompt, len(r.images), placeholder) for r in requests]
        begins = self.tokenizer.bos_token
        arguments: dict[str, Any] = {"text": texts, "padding": True, "return_tensors": "pt"}
        # A template that wrote the first token itself must not get a second one.
        if begins and all(text.startswith(begins) for text in texts):
            arguments["add_special_tokens"] = False
        if "mm_token_type_ids" in self.named:
            arguments["return_mm_token_type_ids"] = True
        if not requests[0].images:
            return texts, self._kept(self.processor(**arguments))
        pictures = [[_picture(image.pixels()) for image in request.images] for request in requests]
        try:
            return texts, self._kept(self.processor(images=pictures, **arguments))
        except (ValueError, TypeError, AttributeError):
            flat = [picture for several in pictures for picture in several]
            return texts, self._kept(self.processor(images=flat, **arguments))

    def _placed(self, inputs: dict[str, Any]) -> bool:
        return self.image_id is None or bool((inputs["input_ids"] == self.image_id).any())

    def _kept(self, inputs: Any) -> dict[str, Any]:
        """Drop what ``forward`` does not name (``labels``, a tokenizer's spare fields)."""
        import torch

        unwanted = {"labels"} if not self.named else {name for name in inputs if name not in self.named}
        return {
            name: value
            for name, value in inputs.items()
            if name not in unwanted | {"labels"} and isinstance(value, torch.Tensor | list)
        }


def _parameters(network: Any) -> frozenset[str]:
    """Names that ``forward`` takes; empty where it hides them behind ``**kwargs``."""
    names = frozenset(inspect.signature(network.forward).parameters)
    return names if "input_ids" in names or "pixel_values" in names else frozenset()


def _picture(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)
