"""Exceptions of the builder, types A to F."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.architectures.recipe import Recipe

#: An image's codes stand in the vocabulary, behind the tokenizer's own tokens; <image> is its first mark.
_CODES = range(340, 596)
_ROTARY = {"rope_type": "default", "rope_theta": 10000.0}
_TILE = {"vision_config.patch_size": 8, "vision_config.image_size": 48}


def _letters(code: int) -> str:
    """An image code as the vocabulary spells it: digits are letters, and the name ends with another."""
    return "IMGIMG" + "".join(chr(ord("A") + int(digit)) for digit in str(code)) + "Z"


RECIPES: Mapping[str, Recipe] = {
    # A convolutional tower, as wide as its coefficient says; its last width is that of the embeddings.
    "align:contrastive": Recipe(
        config={
            "projection_dim": 80,
            "vision_config.width_coefficient": 0.25,
            "vision_config.depth_coefficient": 1.0,
            "vision_config.num_block_repeats": [1] * 7,
        },
        image_processor={
            "size": {"height": 128, "width": 128},
            "crop_size": {"height": 128, "width": 128},
        },
    ),
    # Its image processor takes no smaller pictures, so patches are large.
    "aria": Recipe(
        config={
            "vision_config.image_size": 490,
            "vision_config.patch_size": 49,
            "projector_patch_to_query_dict": {100: 16},
        },
        processor={"size_conversion": {490: 16}},
        tokenizer={"max_image_size": 490},
    ),
    # Tiles smaller than the check's pictures, so that there are several: 6 x 6 patches, 3 x 3 tokens.
    "aya_vision": Recipe(
        config=_TILE,
        processor={"img_size": 48, "patch_size": 8, "downsample_factor": 2},
        image_processor={"crop_to_patches": True, "max_patches": 6},
    ),
    # Its tokenizer frames a text; the decoder begins with a token of its own.
    "blip": Recipe(
        config={"text_config.bos_token_id": "<dec>"},
        tokenizer={"ends": True, "cls_token": "<s>", "sep_token": "</s>", "dec_token": "<dec>"},
    ),
    # Its processor adds the image token by itself, and reads it as an added one.
    "blip-2": Recipe(
        config={"image_token_index": "<image>", "num_query_tokens": 16}, tokenizer={"image_token": None}
    ),
    # Its Q-Former reads the texts as well.
    "blip-2:contrastive": Recipe(
        config={"qformer_config.use_qformer_text_input": True, "num_query_tokens": 4},
    ),
    # Normalisation in groups of 32 channels; five levels divide the sides by 16.
    "chameleon": Recipe(
        config={
            "vocabulary_map": {"<image>": 4, **{_letters(code): _CODES[code] for code in range(256)}},
            "vq_config.num_embeddings": 256,
            "vq_config.embed_dim": 4,
            "vq_config.base_channels": 32,
            "vq_config.channel_multiplier": [1, 1, 1, 1, 2],
            "vq_config.num_res_blocks": 1,
            "vq_config.latent_channels": 64,
            "vq_config.resolution": 64,
        },
        processor={"image_seq_length": 16},
        image_processor={"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
        tokenizer={"sep_token": "<sep>"},
    ),
    # What its image processor calls a patch size is the number of tokens along a tile.
    "cohere2_vision": Recipe(config=_TILE, image_processor={"patch_size": 3, "max_patches": 6}),
    # Rotary tables by kind of layer, which the default configuration leaves empty.
    "cohere_compass": Recipe(
        config={
            "text_config.layer_types": ["sliding_attention", "full_attention"],
            "text_config.rope_parameters": {
                "sliding_attention": {**_ROTARY, "mrope_section": [4, 2, 2]},
                "full_attention": {**_ROTARY, "mrope_section": [4, 2, 2]},
            },
        },
        tokenizer={
            "image_token": "<|IMAGE_PAD|>",
            "video_token": "<|VIDEO_PAD|>",
            "vision_start_token": "<|VISION_START|>",
            "vision_end_token": "<|VISION_END|>",
        },
    ),
    # The library's tables name no parts for it; its checkpoints have those of Qwen3-VL.
    "cosmos3_omni": Recipe(
        processor_class="Qwen3VLProcessor",
        image_processor_class="Qwen2VLImageProcessor",
        parts={"video_processor": {"class": "Qwen3VLVideoProcessor"}},
    ),
    # 12 x 12 or 16 x 16 queries are written into the class: small patches keep the pictures small.
    "deepseek_ocr2": Recipe(
        config={
            "vision_config.sam_config.patch_size": 2,
            "vision_config.sam_config.image_size": 128,
            "vision_config.sam_config.output_channels": 32,
            "vision_config.sam_config.downsample_channels": [32, 64],
            "vision_config.sam_config.global_attn_indexes": [],
            "text_config.mlp_layer_types": ["dense", "sparse"],
            "text_config.num_experts_per_tok": 2,
        },
        processor={"patch_size": 2},
        image_processor={"size": {"height": 128, "width": 128}, "tile_size": 96},
        tokenizer={"max_patches": 2},
    ),
    "deepseek_vl": Recipe(processor={"num_image_tokens": 64}),
    "deepseek_vl_hybrid": Recipe(
        config={
            "high_res_vision_config.output_channels": 16,
            "high_res_vision_config.window_size": 2,
        },
        processor={"num_image_tokens": 64},
        image_processor={"high_res_size": {"height": 128, "width": 128}},
    ),
    # The library's tables lack the sound part of its processor, which is Gemma 4's.
    "diffusion_gemma": Recipe(
        config={
            "canvas_length": 8,
            "text_config.num_experts": 4,
            "text_config.top_k_experts": 2,
            "text_config.moe_intermediate_size": 64,
        },
        image_processor={"max_soft_tokens": 70},
        image_processor_class="Gemma4ImageProcessor",
        parts={
            "feature_extractor": {"class": "Gemma4AudioFeatureExtractor"},
            "video_processor": {"class": "Gemma4VideoProcessor"},
        },
        generation={"max_denoising_steps": 4},
    ),
    # Heads of the sliding layers must be as wide as their two parts together.
    "dots3_note": Recipe(
        config={
            "audio_config.adapter_input_size": 64,
            "audio_config.downsample_hidden_size": 16,
            "text_config.head_dim": 32,
            "text_config.rope_parameters.sliding_attention.partial_rotary_factor": 0.5,
            "text_config.rope_parameters.indexed_attention.partial_rotary_factor": 0.5,
        },
        image_processor={"temporal_patch_size": 1},
    ),
    # Four levels divide the sides by 8; rows end with a token of their own.
    "emu3": Recipe(
        config={
            "vocabulary_map": {
                "<image>": 4,
                "<|extra_200|>": 339,
                **{f"<|visual token {code:06d}|>": _CODES[code] for code in range(256)},
            },
            "vq_config.codebook_size": 256,
            "vq_config.embed_dim": 4,
            "vq_config.base_channels": 32,
            "vq_config.channel_multiplier": [1, 1, 1, 2],
            "vq_config.num_res_blocks": 1,
            "vq_config.num_attention_heads": 1,
        },
        image_processor={"min_pixels": 32 * 32, "max_pixels": 64 * 64},
    ),
    # Rows and columns are interleaved, so their sections must be equal. A font is for videos alone.
    "ernie4_5_vl_moe": Recipe(
        config={"text_config.rope_parameters.mrope_section": [3, 3, 2]},
        parts={"video_processor": {"draw_on_frames": False}},
    ),
    "evolla": Recipe(
        why_not="it reads a protein's sequence and structure beside the text, and takes no image"
    ),
    # Its convolutional tower comes from timm: the family's smallest, with attention in its last stage.
    "fast_vlm": Recipe(
        config={
            "vision_config.architecture": "fastvit_t8",
            "vision_config.hidden_size": 64,
            "vision_config.model_args": {
                "inference_mode": True,
                "layers": [1, 1, 1, 1],
                "embed_dims": [8, 16, 32, 64],
                "cls_ratio": 1.0,
                "token_mixers": ["repmixer", "repmixer", "repmixer", "attention"],
            },
        },
        processor={
            "patch_size": 32,
            "num_additional_image_tokens": 0,
            "vision_feature_select_strategy": "full",
        },
        image_processor={"size": {"shortest_edge": 128}, "crop_size": {"height": 128, "width": 128}},
        processor_class="LlavaProcessor",
        image_processor_class="CLIPImageProcessor",
    ),
    # Four stages, each of its own width, that divide the sides by 32.
    "florence2": Recipe(
        config={
            "vision_config.depths": [1, 1, 1, 1],
            "vision_config.embed_dim": [16, 32, 48, 64],
            "vision_config.num_heads": [1, 2, 3, 4],
            "vision_config.num_groups": [1, 2, 3, 4],
        },
        image_processor={
            "size": {"height": 128, "width": 128},
            "crop_size": {"height": 128, "width": 128},
            "image_seq_length": 17,
        },
    ),
    # Its processor cuts off the space that SentencePiece writes before a picture's first token.
    "fuyu": Recipe(
        config={"patch_size": 16},
        image_processor={
            "size": {"height": 128, "width": 128},
            "patch_size": {"height": 16, "width": 16},
        },
        tokenizer={"spaced": True, "speaker_token": "|SPEAKER|", "newline_token": "|NEWLINE|"},
    ),
}
