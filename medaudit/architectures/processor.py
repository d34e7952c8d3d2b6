"""A processor without the hub: generic tokenizer, the type's own image processor at a tiny size."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from medaudit.architectures.recipe import Recipe
from medaudit.architectures.shrink import SIDE
from medaudit.architectures.tokenizer import specials, tiny_tokenizer
from medaudit.models.vision_ops import huggingface

#: Above this, a "size" is a number of pixels and not an edge.
_BUDGET = 8192


def build_processor(kind: str, config: Any, made: Recipe, *, contrastive: bool) -> Any:
    """The processor of a type, with parts built from their defaults, the recipe and the configuration."""
    cls = processor_class(kind, made)
    named, marks = specials(cls)
    named = {**named, **{name: text for name, text in made.tokenizer.items() if isinstance(text, str)}}
    named = {name: text for name, text in named.items() if made.tokenizer.get(name, "") is not None}
    settings: dict[str, Any] = {name: n for name, n in made.tokenizer.items() if isinstance(n, int)}
    own = dict(made.parts.get("tokenizer", {}))
    if own:
        tokenizer = getattr(huggingface(), own.pop("class"))(**own)
    else:
        tokenizer = tiny_tokenizer(named, marks, **{"ends": contrastive, **settings})
    parts = {"tokenizer": tokenizer}
    for attribute in cls.get_attributes():
        if attribute.endswith("_tokenizer"):
            parts[attribute] = tiny_tokenizer({}, ())
        elif attribute != "tokenizer":
            parts[attribute] = _part(kind, attribute, config, made)
    arguments = _matching(cls, config, made.processor, skip={*parts, "chat_template"})
    return cls(**parts, **arguments, **({"chat_template": made.template} if made.template else {}))


def processor_class(kind: str, made: Recipe) -> Any:
    """The class that the library's table names, or the recipe's."""
    table = import_module("transformers.models.auto.processing_auto").PROCESSOR_MAPPING_NAMES
    name = made.processor_class or table.get(kind)
    if name is None:
        raise LookupError(f"no processor class is known for {kind}")
    return getattr(huggingface(), name)


def _part(kind: str, attribute: str, config: Any, made: Recipe) -> Any:
    cls = _part_class(kind, attribute, made)
    given = dict(made.image_processor if attribute == "image_processor" else made.parts.get(attribute, {}))
    given.pop("class", None)
    if attribute == "image_processor":
        given = {**_sizes(cls, config), **given}
    return cls(**given)


def _part_class(kind: str, attribute: str, made: Recipe) -> Any:
    if "class" in made.parts.get(attribute, {}):
        name = made.parts[attribute]["class"]
    elif attribute == "image_processor":
        table = import_module("transformers.models.auto.image_processing_auto").IMAGE_PROCESSOR_MAPPING_NAMES
        names = table.get(kind) or {}
        name = made.image_processor_class or names.get("torchvision") or names.get("pil")
    elif attribute == "video_processor":
        table = import_module("transformers.models.auto.video_processing_auto").VIDEO_PROCESSOR_MAPPING_NAMES
        names = table.get(kind)
        name = names.get("torchvision") if isinstance(names, Mapping) else names
    else:
        table = import_module("transformers.models.auto.feature_extraction_auto")
        name = table.FEATURE_EXTRACTOR_MAPPING_NAMES.get(kind)
    if name is None:
        raise LookupError(f"no {attribute} is known for {kind}")
    return getattr(huggingface(), name)


def _sizes(cls: Any, config: Any) -> dict[str, Any]:
    """Arguments that make an image processor produce what the tiny tower takes."""
    vision = vision_table(config)
    patch = _whole(vision.get("patch_size")) or 14
    side = _whole(vision.get("image_size")) or SIDE * patch
    sizes: dict[str, Any] = {}
    for name in ("size", "crop_size"):
        default = _default(cls, name)
        if isinstance(default, Mapping) or default is not None:
            sizes[name] = _resized(default, side)
    for name in ("patch_size", "merge_size", "spatial_merge_size", "temporal_patch_size"):
        if _default(cls, name) is None:
            continue
        value = vision.get(name, vision.get("spatial_merge_size") if name == "merge_size" else None)
        if isinstance(value, int):
            sizes[name] = value
    tiles = getattr(config, "image_grid_pinpoints", None)
    if tiles and _default(cls, "image_grid_pinpoints"):
        sizes["image_grid_pinpoints"] = tiles
    return sizes


def _resized(default: Any, side: int) -> Any:
    if isinstance(default, int):
        return side
    if isinstance(default, Mapping):
        if any(value and value > _BUDGET for value in default.values()):
            # At least 3 x 3 tokens of a square picture, where a token joins 2 x 2 patches of 14 or 16 pixels.
            return {"shortest_edge": 112 * 112, "longest_edge": 224 * 224}
        return {name: value and side for name, value in default.items()}
    return default


def _default(cls: Any, name: str) -> Any:
    return getattr(cls, name, None)


def _whole(value: Any) -> int | None:
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return value if isinstance(value, int) else None


def vision_table(config: Any) -> dict[str, Any]:
    """The configuration of the vision tower as a table; of the whole where there is none apart."""
    inside = (getattr(config, name, None) for name in ("thinker_config", "encoder"))
    owners = (config, *(part for part in inside if part is not None))
    vision = next(
        (part for part in (getattr(owner, "vision_config", None) for owner in owners) if part), None
    )
    return dict((vision or config).to_dict())


def _matching(cls: Any, config: Any, given: Mapping[str, Any], skip: set[str]) -> dict[str, Any]:
    """Constructor arguments that bear the name of a field of the configuration."""
    fields = {**vision_table(config), **config.to_dict()}
    found = dict(given)
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name in skip or name in found or name in {"self", "args", "kwargs"}:
            continue
        if "token" in name and name != "num_query_tokens":
            continue
        if fields.get(name) is not None:
            found[name] = fields[name]
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            found[name] = None
    return found
