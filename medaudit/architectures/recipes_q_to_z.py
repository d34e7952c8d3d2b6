"""Exceptions of the builder, types Q to Z."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.architectures.recipe import DROP, Recipe
from medaudit.architectures.shrink import INNER, VOCABULARY, WIDTH

#: The library's tables name the parts for the whole omni model, and not for the thinker inside it.
_OMNI_PARTS = {
    "video_processor": {"class": "Qwen2VLVideoProcessor"},
    "feature_extractor": {"class": "WhisperFeatureExtractor"},
}
#: The omni models find an image by the mark before it.
_OMNI_TEMPLATE = (
    "{% for message in messages %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<vision_bos><image><vision_eos>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endfor %}"
)
#: A field that released checkpoints have and default configurations lack.
_OMNI_START = {"vision_start_token_id": "<vision_bos>"}

RECIPES: Mapping[str, Recipe] = {
    "qianfan_ocr": Recipe(
        # Sizes are pairs, which are kept as they are: tiles of 56 pixels, 4 x 4 tokens each.
        config={
            "vision_config.image_size": [56, 56],
            "vision_config.patch_size": [7, 7],
            "image_seq_length": 16,
        },
        processor={"image_seq_length": 16},
        image_processor={"size": {"height": 56, "width": 56}, "max_patches": 6},
    ),
    "qwen2_5_omni": Recipe(
        # Without the voice, which is no part of an answer in text and would be 100 million parameters.
        config={"enable_audio_output": False, "thinker_config.vision_start_token_id": "<vision_bos>"},
        template=_OMNI_TEMPLATE,
    ),
    "qwen2_5_omni_thinker": Recipe(
        processor_class="Qwen2_5OmniProcessor",
        image_processor_class="Qwen2VLImageProcessor",
        parts=_OMNI_PARTS,
        config=_OMNI_START,
        template=_OMNI_TEMPLATE,
    ),
    "qwen3_omni_moe": Recipe(
        config={
            "enable_audio_output": False,
            "thinker_config.vision_start_token_id": "<vision_bos>",
            "thinker_config.audio_config.downsample_hidden_size": 16,
        },
        template=_OMNI_TEMPLATE,
    ),
    "qwen3_omni_moe_thinker": Recipe(
        processor_class="Qwen3OmniMoeProcessor",
        image_processor_class="Qwen2VLImageProcessor",
        parts=_OMNI_PARTS,
        config={**_OMNI_START, "audio_config.downsample_hidden_size": 16},
        template=_OMNI_TEMPLATE,
    ),
    "qwen3_vl_moe": Recipe(image_processor_class="Qwen2VLImageProcessor"),  # missing in the table
    "qwen4_exp": Recipe(
        # The default configuration has no indexer, and every full layer needs one.
        config={
            "text_config.indexer_n_heads": 2,
            "text_config.indexer_kv_heads": 1,
            "text_config.indexer_head_dim": 16,
            "text_config.indexer_budget": 2048,
            "text_config.indexer_compress_ratio": 4,
            "text_config.hc_lowrank": 16,
        }
    ),
    "shieldgemma2": Recipe(
        # Released ones write the question into the policy of their template.
        template=(
            "{{ bos_token }}{% for message in messages %}{% for part in message.content %}"
            "{% if part.type == 'image' %}<boi>{% else %}Policy: {{ part.text }} Yes or No?{% endif %}"
            "{% endfor %}{% endfor %}"
        ),
        processor={"image_seq_length": 16},
    ),
    "smolvlm": Recipe(
        # Tiles of 64 pixels, 4 x 4 tokens each.
        config={"vision_config.patch_size": 8, "vision_config.image_size": 64},
        image_processor={"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}},
        processor={"image_seq_len": 16},
    ),
    "step3p7": Recipe(
        # A token is 56 pixels wide, so the picture has to be large to hold a few; released ones alternate.
        config={
            "vision_config.image_size": 336,
            "vision_config.max_position_embeddings": 576,
            "text_config.sliding_window": 512,
            "text_config.layer_types": ["full_attention", "sliding_attention"],
            "text_config.mlp_layer_types": ["dense", "sparse"],
            "text_config.rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            },
        },
        image_processor={"size": {"height": 336, "width": 336}, "patch_size": 224},
    ),
    "t5gemma2": Recipe(processor={"image_seq_length": 16}),  # written once, before it is calibrated
    "tipsv2:contrastive": Recipe(
        # Names and numbers of all its stages, which follow from the number of layers.
        config=dict.fromkeys(
            ["vision_config.out_features", "vision_config.out_indices", "vision_config.stage_names"], DROP
        )
    ),
    "udop": Recipe(
        # Its tokenizer knows of boxes, and no other will do; words go to it one letter a piece.
        config={"max_2d_position_embeddings": 128, "decoder_start_token_id": 0},
        image_processor={"apply_ocr": False},
        parts={
            "tokenizer": {
                "class": "UdopTokenizer",
                "vocab": [
                    *((mark, 0.0) for mark in ("<pad>", "</s>", "<unk>")),
                    *((letter, -5.0) for letter in ("\u2581", *map(chr, range(33, 127)))),
                ],
            }
        },
    ),
    "unlimited_ocr": Recipe(
        # Two convolutions make 16 patches one token: small patches keep 6 x 6 and 4 x 4 tokens affordable.
        config={
            "vision_config.sam_config.patch_size": 4,
            "vision_config.sam_config.image_size": 96,
            "vision_config.sam_config.output_channels": 32,
            "vision_config.sam_config.downsample_channels": [32, 64],
            "text_config.mlp_layer_types": ["dense", "sparse"],
        },
        processor={"patch_size": 4},
        image_processor={"size": {"height": 96, "width": 96}, "tile_size": 64, "max_patches": 4},
    ),
    "videoprism:contrastive": Recipe(
        # Clips of two frames, 6 x 6 patches each.
        config={"vision_config.image_size": 108, "vision_config.num_frames": 2},
        parts={
            "video_processor": {
                "size": {"height": 108, "width": 108},
                "do_normalize": False,
                "do_sample_frames": False,
            }
        },
    ),
    "video_llava": Recipe(
        image_processor={"size": {"shortest_edge": 112}, "crop_size": {"height": 112, "width": 112}}
    ),
    "vision-encoder-decoder": Recipe(
        # A Donut: 6 x 6 tokens of a tower in three stages, the last as wide as the decoder.
        config={
            "encoder": {
                "model_type": "donut-swin",
                "image_size": [96, 96],
                "embed_dim": 16,
                "depths": [1, 1, 1],
                "num_heads": [1, 2, 4],
                "window_size": 3,
            },
            "decoder": {
                "model_type": "mbart",
                "vocab_size": VOCABULARY,
                "d_model": WIDTH,
                "decoder_layers": 2,
                "decoder_attention_heads": 4,
                "decoder_ffn_dim": INNER,
                "max_position_embeddings": 512,
                "is_decoder": True,
                "is_encoder_decoder": False,
                "add_cross_attention": True,
                "add_final_layer_norm": True,
                "tie_word_embeddings": False,
            },
            "decoder_start_token_id": 1,
            "pad_token_id": 0,
        },
        processor_class="DonutProcessor",
        image_processor_class="DonutImageProcessor",
        image_processor={"size": {"height": 96, "width": 96}, "do_align_long_axis": False},
        tokenizer={
            "task_token": "<s_docvqa>",
            "question_token": "<s_question>",
            "question_end_token": "</s_question>",
            "answer_token": "<s_answer>",
        },
    ),
    "vilt": Recipe(
        # Answers, and pictures of 4 x 4 patches at the least.
        config={"id2label": {0: "yes", 1: "no", 2: "not at all"}, "max_position_embeddings": 128},
        image_processor={"size": {"shortest_edge": 128}},
    ),
    "vipllava": Recipe(config={"vision_feature_layer": [-1, -2]}),  # five layers of the tower, of two here
}
