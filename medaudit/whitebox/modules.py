"""Where the parts of a vision-language network are.

transformers names them consistently enough for a few rules; types that break a rule are in the tables below,
keyed by ``config.model_type``. Every function raises :class:`NotReached` where a network has no such part.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from medaudit.models.decoder_prompts import asked_in_decoder
from medaudit.whitebox.reach import NotReached

#: Dotted paths from the top of the network, for types whose ``get_encoder("image")`` gives something else.
VISION_TOWERS = {
    "git": "git.image_encoder",
    "t5gemma2": "model.encoder.vision_tower",
    "vilt": "vilt",
    "phi4_multimodal": "model.embed_tokens_extend.image_embed.img_processor",
}
#: Where the sequence that holds image tokens enters, for types whose decoder does not receive it.
SEQUENCE_MODULES = {"t5gemma2": "model.encoder.text_model"}
#: Pixtral pads the convolution's output to the largest image and crops it: its norm sees the real patches.
PATCH_MODULES = {"pixtral": "ln_pre"}
#: Why the output of a type's patch embedding is not the patches of the image, one token each.
UNEVEN_PATCHES = {
    **dict.fromkeys(
        ["deepseek_vl_hybrid", "deepseek_ocr2", "unlimited_ocr"],
        "a second vision tower reads the pixels too",
    ),
    "inkling2": "four of its rows make one patch",
    "step3p7": "its vision tower runs apart for the whole image and for its tiles",
}

_ACROSS = ("cross", "encoder_attn", "encoder_decoder", "encdec")
_LAYER_NAMES = ("layer", "block", "stage")


def vision_tower(network: Any) -> Any:
    """The module that reads pixels."""
    path = VISION_TOWERS.get(kind(network))
    # An encoder that reads no text reads the image.
    which = None if asked_in_decoder(network) else "image"
    tower = _at(network, path) if path else network.get_encoder(which)
    if tower is None or tower is network or tower is getattr(network, "base_model", None):
        raise NotReached(f"{kind(network)} has no vision tower of its own")
    return tower


def vision_blocks(network: Any) -> Any:
    """The blocks of the vision tower in order; those of a tower in stages one stage after the other."""
    import torch

    found = _longest(vision_tower(network), f"{kind(network)}: its vision tower has no list of blocks")
    if all(isinstance(stage, torch.nn.ModuleList) for stage in found):
        return [block for stage in found for block in stage]
    return found


def patch_embedding(network: Any) -> Any:
    """The module whose output is the sequence of patches: the first convolution or linear layer so named.

    Raises NotReached for types where a mask there would leak, or hit other patches than it names.
    """
    import torch

    tower = vision_tower(network)
    if kind(network) in UNEVEN_PATCHES:
        raise NotReached(f"{kind(network)}: {UNEVEN_PATCHES[kind(network)]}")
    path = PATCH_MODULES.get(str(getattr(getattr(tower, "config", None), "model_type", "")))
    if path:
        return _at(tower, path)
    blocks = {id(part) for block in vision_blocks(network) for part in block.modules()}
    kinds = (torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
    found = [
        (name, part)
        for name, part in tower.named_modules()
        if isinstance(part, kinds) and id(part) not in blocks
    ]
    if not found:
        raise NotReached(f"{kind(network)}: no patch embedding was found before its vision blocks")
    # Some towers declare their mergers first.
    named = [part for name, part in found if "embed" in name or "patch" in name]
    return named[0] if named else found[0][1]


def decoder(network: Any) -> Any:
    """The module that runs the language model's layers on text (the decoder half of an encoder-decoder)."""
    found = network.get_decoder()
    if network.config.is_encoder_decoder:
        found = getattr(found, "decoder", found)
    if found is None:
        raise NotReached(f"{kind(network)} has no language model")
    return found


def decoder_layers(network: Any) -> Any:
    """The language model's layers in order, a ModuleList."""
    found = decoder(network)
    tower = _tower_parts(network)
    return _longest(found, f"{kind(network)}: its language model has no list of layers", tower)


def answering_layers(network: Any) -> Any:
    """The layers that an answer's attention is read from: a decoder's, or its layers of cross-attention."""
    import torch

    layers, across = decoder_layers(network), crossing(network)
    if not across or across & {id(part) for part in layers.modules()}:
        return layers
    lists = [part for part in decoder(network).modules() if isinstance(part, torch.nn.ModuleList)]
    return max(lists, key=lambda found: len(across & {id(part) for part in found.modules()}))


def sequence_module(network: Any) -> Any:
    """The module that receives embeddings with image tokens in place: decoder, text encoder, first layer."""
    path = SEQUENCE_MODULES.get(kind(network))
    if path:
        return _at(network, path)
    if not network.config.is_encoder_decoder:
        found = decoder(network)
        # One that takes an image merges its features itself: its first layer receives the merged sequence.
        merges = any(
            "pixel" in name or name == "image_embeds" for name in signature(found.forward).parameters
        )
        return decoder_layers(network)[0] if merges else found
    found = network.get_encoder()
    if found is network or found is getattr(network, "base_model", None):
        raise NotReached(f"{kind(network)} has no text encoder")
    return found


def features_owner(network: Any) -> Any:
    """The innermost module with ``get_image_features``: its ``forward`` calls it, wrappers delegate to it."""
    owners = [part for part in network.modules() if hasattr(part, "get_image_features")]
    if not owners:
        raise NotReached(f"{kind(network)} hands image features to its language model inside one step")
    return owners[-1]


def crossing(network: Any) -> set[int]:
    """Identities of a decoder's attention modules whose keys come from an encoder or a vision tower."""
    tower = _tower_parts(network)
    return {
        id(part)
        for name, part in decoder(network).named_modules()
        if (any(word in name.lower() for word in _ACROSS) or "Merged" in type(part).__name__)
        and id(part) not in tower
    }


def kind(network: Any) -> str:
    return str(network.config.model_type)


def _tower_parts(network: Any) -> frozenset[int]:
    try:
        return frozenset(id(part) for part in vision_tower(network).modules())
    except NotReached:
        return frozenset()


def _longest(root: Any, reason: str, without: frozenset[int] = frozenset()) -> Any:
    import torch

    lists = [
        part
        for name, part in root.named_modules()
        if isinstance(part, torch.nn.ModuleList)
        and any(word in name.rsplit(".", 1)[-1] for word in _LAYER_NAMES)
        and id(part) not in without
    ]
    if not lists:
        raise NotReached(reason)
    return max(lists, key=len)


def _at(root: Any, path: str) -> Any:
    for name in path.split("."):
        if not hasattr(root, name):
            raise NotReached(f"{type(root).__name__} has no part named {name}")
        root = getattr(root, name)
    return root
