"""Exceptions of the builder, types G to L."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.architectures.recipe import Recipe

#: Tiles of 32 pixels, 4 x 4 patches each, so that a small picture fills several.
_TILE = {"vision_config.patch_size": 8, "vision_config.image_size": 32}
_TILINGS = [[32, 64], [64, 32], [64, 64], [96, 32], [32, 96]]

_CAPPED = {"text_config.final_logit_softcapping": 30.0}
#: A token joins 2 x 2 patches, and a small picture should have several rows of them.
_SMALL = {"vision_config.patch_size": 8}


def _chat(before: str, image: str, after: str) -> str:
    """A chat template that writes one user message, with the type's own marks around an image."""
    return (
        "{{ bos_token }}{% for item in messages[0].content %}{% if item.type == 'image' %}"
        f"{before}{image}{after}" + "{% else %}{{ item.text }}{% endif %}{% endfor %}"
    )


RECIPES: Mapping[str, Recipe] = {
    # What stands for an image in the text is not the token that holds its features.
    "gemma3": Recipe(config={"image_token_index": "<image>"}, processor={"image_seq_length": 16}),
    # Its released image tower has 80 blocks; a sibling of the same kind has half as many.
    "gemma3n": Recipe(
        config={
            "vision_config.architecture": "mobilenetv5_base",
            "vision_config.model_args": {
                "channel_multiplier": 0.1,
                "num_features": 64,
                "msfa_output_resolution": 4,
            },
            "vision_soft_tokens_per_image": 16,
        },
        processor={"image_seq_length": 16},
        image_processor={"size": {"height": 128, "width": 128}},
    ),
    # The smallest budget of tokens that it takes. Released checkpoints cap their logits.
    "gemma4": Recipe(config=_CAPPED, image_processor={"max_soft_tokens": 70}),
    "gemma4_unified": Recipe(
        config={
            **_CAPPED,
            "vision_config.patch_size": 4,
            "vision_config.mm_embed_dim": 64,
            "vision_config.output_proj_dims": 64,
            "vision_config.mm_posemb_size": 128,
        },
        image_processor={"max_soft_tokens": 70},
    ),
    "glm46v": Recipe(config=_SMALL),
    "glm4v": Recipe(config=_SMALL),
    # The library's tables name no parts for these; checkpoints have those of their siblings.
    "glm4v_moe": Recipe(
        config=_SMALL,
        image_processor_class="Glm4vImageProcessor",
        parts={"video_processor": {"class": "Glm4vVideoProcessor"}},
    ),
    "glm_ocr": Recipe(
        config=_SMALL,
        processor_class="Glm46VProcessor",
        image_processor_class="Glm46VImageProcessor",
        parts={"video_processor": {"class": "Glm46VVideoProcessor"}},
    ),
    "glmga": Recipe(
        config=_SMALL,
        processor_class="Glm46VProcessor",
        image_processor_class="Glm46VImageProcessor",
        parts={"video_processor": {"class": "Glm46VVideoProcessor"}},
    ),
    # Tiles of 3 x 3 tokens, which join 4 x 4 patches each.
    "granite_docling": Recipe(
        config={"vision_config.patch_size": 8, "vision_config.image_size": 96},
        image_processor={"max_patches": 6},
        processor={"image_seq_len": 9},
    ),
    # 16 x 16 patches, of which two strided convolutions leave 4 x 4 tokens.
    "got_ocr2": Recipe(
        config={"vision_config.patch_size": 8, "vision_config.image_size": 128},
        image_processor={"size": {"height": 128, "width": 128}},
        tokenizer={"num_image_tokens": 16},
    ),
    "granite4_vision": Recipe(
        config={
            **_TILE,
            "vision_config.image_size": 64,
            "image_grid_pinpoints": [[64, 128], [128, 64], [128, 128], [192, 64], [64, 192]],
            "downsample_rate": "2/4",
            "deepstack_layer_map": [[-1, 0]],
            "spatial_target_layers": [1],
        },
    ),
    "hunyuan_vl": Recipe(
        config={**_SMALL, "text_config.head_dim": 16, "vision_config.max_image_size": 256},
        template=_chat("<image_start>", "<image>", "<image_end>"),
    ),
    "idefics3": Recipe(
        config={"vision_config.patch_size": 8, "vision_config.image_size": 64},
        image_processor={"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}},
        processor={"image_seq_len": 16},
    ),
    # A token is one square of the processor's size.
    "inkling2": Recipe(
        config={"vision_config.patch_size": 10}, image_processor={"size": {"height": 20, "width": 20}}
    ),
    "inkling_mm_model": Recipe(
        config={"vision_config.patch_size": 20}, image_processor={"size": {"height": 20, "width": 20}}
    ),
    # Its processor adds the image token by itself, and reads it as an added one.
    "instructblip": Recipe(
        config={"image_token_index": "<image>", "num_query_tokens": 16},
        processor={"num_query_tokens": 16},
        tokenizer={"image_token": None},
    ),
    "instructblipvideo": Recipe(
        config={"video_token_index": "<video>", "num_query_tokens": 16},
        tokenizer={"video_token": None},
        parts={"video_processor": {"size": {"height": 112, "width": 112}}},
    ),
    # Sides are pairs of numbers here. Tiles of 3 x 3 tokens.
    "internvl": Recipe(
        config={"vision_config.patch_size": [8, 8], "vision_config.image_size": [48, 48]},
        image_processor={"max_patches": 6},
        processor={"image_seq_length": 9},
    ),
    # The image tokenizer of its drawing half, with few channels and codes.
    "janus": Recipe(
        config={
            "vq_config.base_channels": 32,
            "vq_config.channel_multiplier": [1, 1],
            "vq_config.latent_channels": 32,
            "vq_config.image_token_embed_dim": 64,
            "vq_config.num_embeddings": 64,
        },
        processor={"num_image_tokens": 64},
    ),
    "kosmos-2": Recipe(
        processor_class="Kosmos2Processor",
        image_processor_class="CLIPImageProcessor",
        processor={"num_patch_index_tokens": 16},
    ),
    "kosmos-2.5": Recipe(
        processor_class="Kosmos2_5Processor",
        image_processor_class="Kosmos2_5ImageProcessor",
        config={
            "latent_query_num": 16,
            "vision_config.max_num_patches": 64,
            "vision_config.patch_embed_hidden_size": 768,
        },
        processor={"num_image_tokens": 16},
        tokenizer={"max_patches": 64},
    ),
    # A convolution and an attention layer, as in its checkpoints; pictures over 64 x 64 pixels become tiles.
    "lfm2_vl": Recipe(
        config={
            **_SMALL,
            "text_config.layer_types": ["conv", "full_attention"],
            "text_config.full_attn_idxs": [1],
        },
        image_processor={
            "encoder_patch_size": 8,
            "size": {"height": 64, "width": 64},
            "tile_size": 64,
            "min_image_tokens": 9,
            "max_image_tokens": 16,
            "max_pixels_tolerance": 1.0,
        },
    ),
    "lighton_ocr": Recipe(
        config={**_SMALL, "vision_config.image_size": 96},
        image_processor={"patch_size": {"height": 16, "width": 16}},
    ),
    # Pixel shuffle joins four patches and keeps all their numbers.
    "llama4": Recipe(
        config={
            "vision_config.patch_size": 8,
            "vision_config.image_size": 48,
            "vision_config.intermediate_size": 256,
            "image_token_index": "<|patch|>",
        }
    ),
    "llava_next": Recipe(config={**_TILE, "image_grid_pinpoints": _TILINGS}),
    "llava_next_video": Recipe(config={**_TILE, "image_grid_pinpoints": _TILINGS}),
    "llava_onevision": Recipe(
        config={**_TILE, "image_grid_pinpoints": [[32, 32], *_TILINGS, [64, 96], [96, 64], [96, 96]]},
        processor={"num_image_tokens": 16},
    ),
}
