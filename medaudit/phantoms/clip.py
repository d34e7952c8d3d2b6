"""The contrastive phantoms' architecture: CLIP in miniature, 0.55 million parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from medaudit.errors import ModelError
from medaudit.phantoms import hf
from medaudit.phantoms.vocabulary import END, PAD, build_processor

LONGEST_TEXT = 77


def build_clip_processor() -> Any:
    """A ``CLIPProcessor``: the base's pictures, and its words closed by an end token and padded behind it.

    A text is read off its first end token, which attends to nothing after it: padding changes no embedding.
    """
    from tokenizers.processors import TemplateProcessing

    parts = build_processor()
    tokenizer = parts.tokenizer
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokenizer.convert_tokens_to_ids(END))]
    )
    tokenizer.padding_side, tokenizer.model_max_length = "right", LONGEST_TEXT
    return hf.transformers().CLIPProcessor(image_processor=parts.image_processor, tokenizer=tokenizer)


def build_clip(tokenizer: Any, base: Path, seed: int) -> Any:
    """A ``CLIPModel`` that sees with the tower of ``base``; everything else is fresh."""
    library = hf.transformers()
    tower = _tower(base)
    vision = tower.config
    text = library.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=vision.hidden_size,
        intermediate_size=vision.intermediate_size,
        num_hidden_layers=vision.num_hidden_layers,
        num_attention_heads=vision.num_attention_heads,
        projection_dim=vision.hidden_size,
        max_position_embeddings=LONGEST_TEXT,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
    )
    config = library.CLIPConfig(
        text_config=text.to_dict(),
        vision_config=vision.to_dict(),
        projection_dim=vision.hidden_size,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = library.CLIPModel(config)
    model.vision_model.load_state_dict(tower.state_dict())
    return model


def _tower(base: Path) -> Any:
    library = hf.transformers()
    config = library.AutoConfig.from_pretrained(base) if (base / "config.json").is_file() else None
    if getattr(config, "model_type", "") != "llava":
        raise ModelError(
            f"{str(base)!r} is no generative phantom, whose tower a contrastive twin takes over. "
            "Build one first: medaudit phantoms build clean"
        )
    model = library.LlavaForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    return model.model.vision_tower
