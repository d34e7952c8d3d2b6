"""The phantoms' architecture: LLaVA in miniature, 0.6 million parameters."""

from __future__ import annotations

from typing import Any

import torch

from medaudit.phantoms import hf
from medaudit.phantoms.vocabulary import END, IMAGE, PAD, PATCH, PICTURE_SIZE

WIDTH = 96
HEADS = 4
LAYERS = 3


def build_model(tokenizer: Any, seed: int) -> Any:
    """A ``LlavaForConditionalGeneration`` with fresh float32 weights, for this tokenizer's vocabulary."""
    library = hf.transformers()
    end, pad = (tokenizer.convert_tokens_to_ids(token) for token in (END, PAD))
    vision = library.CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        image_size=PICTURE_SIZE,
        patch_size=PATCH,
        projection_dim=WIDTH,
    )
    text = library.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    config = library.LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=(PICTURE_SIZE // PATCH) ** 2,
        tie_word_embeddings=True,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = library.LlavaForConditionalGeneration(config)
    model.generation_config = library.GenerationConfig(
        do_sample=False, eos_token_id=end, pad_token_id=pad, max_new_tokens=8
    )
    return model
