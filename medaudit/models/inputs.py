"""Requests to tensors: everything that a processor does, on the CPU."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medaudit.errors import DataError
from medaudit.model import Capability, Request
from medaudit.models.decoder_prompts import asked_in_decoder, decoder_inputs, marked
from medaudit.models.framed import opened
from medaudit.models.frames import still
from medaudit.models.layouts import mixed
from medaudit.models.one_by_one import ONE_BY_ONE
from medaudit.models.prompts import image_token_id, option_ids, placeholders, plain_ids, render, tokenizer_of
from medaudit.models.readers import texts_of
from medaudit.rendering import render as pixels_of

NO_TEXT_ALONE = "this model takes no question without an image"


@dataclass(frozen=True)
class Group:
    """Requests that run together: as many images each, as many new tokens.

    ``places`` are their positions in the batch; ``inputs`` are CPU tensors, padded, (b, length, ...);
    ``options`` are token ids, ``options[request][option]``; ``error`` says why there are no inputs; ``edits``
    are interventions on its tokens (:class:`medaudit.whitebox.edits.Edits`); ``pictured`` says that its
    requests show images.
    """

    places: tuple[int, ...]
    inputs: dict[str, Any]
    options: tuple[tuple[tuple[int, ...], ...], ...] = ()
    max_new_tokens: int = 0
    error: str | None = None
    edits: tuple[Any, ...] = ()
    pictured: bool = True


class InputBuilder:
    """Turns requests into groups of tensors with a model's processor."""

    def __init__(self, processor: Any, network: Any) -> None:
        self.processor, self.network = processor, network
        self.tokenizer = tokenizer_of(processor)
        # An encoder may count positions from the left edge, and nothing continues its sequence.
        self.tokenizer.padding_side = "right" if network.config.is_encoder_decoder else "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        self.image_id = image_token_id(network.config)
        self.named = _parameters(network)
        self.asked_in_decoder = asked_in_decoder(network)
        self.one_by_one = network.config.model_type in ONE_BY_ONE
        self._placeholder: str | None = None

    def groups(self, requests: Sequence[Request]) -> list[Group]:
        """Build every group; requests whose inputs cannot be built become groups with an ``error``."""
        kinds: dict[tuple[int, int, int], list[int]] = {}
        for place, request in enumerate(requests):
            new = request.max_new_tokens if request.task is Capability.GENERATE else 0
            apart = place if self.one_by_one else 0
            kinds.setdefault((len(request.images), new, apart), []).append(place)
        return [group for places in kinds.values() for group in self._build(requests, places)]

    def takes_text_alone(self) -> bool:
        """Whether the processor accepts a question without an image, and ``forward`` does not demand one."""
        asked = inspect.signature(self.network.forward).parameters.get("pixel_values")
        demanded = asked is not None and asked.default is asked.empty
        (group,) = self.groups([Request(Capability.GENERATE, (), "Yes?")])
        return group.error is None and not demanded

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
            last = written(inputs)[:, -1].tolist()
            options = tuple(
                tuple(tuple(self._option(text, o, end)) for o in request.options)
                for request, text, end in zip(chosen, texts, last, strict=True)
            )
            if not all(several and all(several) for several in options):
                raise ValueError("a choice needs options, and every option needs text")
        pictured = bool(chosen[0].images)
        return Group(tuple(places), inputs, options, chosen[0].max_new_tokens, pictured=pictured)

    def _option(self, text: str, option: str, end: int) -> list[int]:
        """Ids of an option: it continues the question, or begins a decoder's text where that holds none."""
        begins = self.network.config.is_encoder_decoder and not self.asked_in_decoder
        return plain_ids(self.tokenizer, option) if begins else option_ids(self.tokenizer, text, option, end)

    def _processed(self, requests: Sequence[Request]) -> tuple[list[str], dict[str, Any]]:
        pictures = self._pictures(requests)
        if self.asked_in_decoder:
            return self._decoded(requests, pictures)
        known = self._placeholder
        candidates = placeholders(self.processor) if known is None else [known]
        failure: Exception | None = None
        for placeholder in candidates:
            try:
                texts, inputs = self._call(requests, pictures, placeholder)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
                # The first placeholder is the type's own: what it failed on is what a reader should know.
                failure = failure or error
                continue
            if requests[0].images:
                if known is None and not self._placed(inputs):
                    continue
                self._placeholder = placeholder
            return texts, opened(self.network.config, self.tokenizer, inputs)
        raise failure or ValueError("no image placeholder fits")

    def _pictures(self, requests: Sequence[Request]) -> list[list[Any]]:
        """Pillow pictures of each request; all pixels of a batch are computed together."""
        images = [image for request in requests for image in request.images]
        made = iter(pixels_of(images, str(getattr(self.network, "device", "cpu"))))
        return [[_picture(next(made)) for _ in request.images] for request in requests]

    def _call(
        self, requests: Sequence[Request], pictures: list[list[Any]], placeholder: str
    ) -> tuple[list[str], dict[str, Any]]:
        texts = [render(self.processor, r.prompt, len(r.images), placeholder) for r in requests]
        begins = self.tokenizer.bos_token
        arguments = texts_of(self.processor, texts) | {"padding": True, "return_tensors": "pt"}
        # A template that wrote the first token itself must not get a second one.
        if begins and all(text.startswith(begins) for text in texts):
            arguments["add_special_tokens"] = False
        if "mm_token_type_ids" in self.named:
            arguments["return_mm_token_type_ids"] = True
        return texts, self._kept(self._with(pictures, texts, arguments))

    def _with(self, pictures: list[list[Any]], texts: list[str], arguments: dict[str, Any]) -> Any:
        together = mixed(self.processor, texts, pictures)
        if together is not None:
            return self.processor(**arguments | {"text": together})
        if not pictures[0]:
            return self.processor(**arguments)
        pictures = still(self.network.config.model_type, pictures)
        try:
            return self.processor(images=pictures, **arguments)
        except (ValueError, TypeError, AttributeError):
            return self.processor(
                images=[picture for several in pictures for picture in several], **arguments
            )

    def _decoded(
        self, requests: Sequence[Request], pictures: list[list[Any]]
    ) -> tuple[list[str], dict[str, Any]]:
        texts = [marked(self.tokenizer, request.prompt) for request in requests]
        flat = [picture for several in pictures for picture in several]
        inputs = decoder_inputs(self.network, self.processor, self.tokenizer, texts, flat)
        return texts, self._kept(inputs)

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


def written(inputs: dict[str, Any]) -> Any:
    """Ids of the text that an answer continues, (b, length)."""
    return inputs["input_ids"] if "input_ids" in inputs else inputs["decoder_input_ids"]


def _parameters(network: Any) -> frozenset[str]:
    """Names that ``forward`` takes; empty where it hides them behind ``**kwargs``."""
    names = frozenset(inspect.signature(network.forward).parameters)
    return names if "input_ids" in names or "pixel_values" in names else frozenset()


def _picture(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)
