"""Exceptions of the builder, types M to P."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.architectures.recipe import Recipe

#: The tower joins patches after a layer that must exist. Tokens are 16 pixels wide, and a tile has 4 x 4.
_MINICPM = {"insert_layer_id": 0, "vision_config.image_size": 64}
_MINICPM_TILES = {"scale_resolution": 64, "max_slice_nums": 4}

#: Its pixel shuffle keeps all numbers of the four patches that it joins. Images are never enlarged, so
#: patches are small; a window has 8 x 8 of them.
_MUSE = {
    "out_hidden_size": 256,
    "vision_config.patch_size": 7,
    "vision_config.pos_emb_height": 8,
    "vision_config.pos_emb_width": 8,
    "vision_config.max_position_embeddings": 64,
}

RECIPES: Mapping[str, Recipe] = {
    "minicpm_ocr": Recipe(config={**_MINICPM, "vision_config.patch_size": 8}, image_processor=_MINICPM_TILES),
    "minicpmv4_6": Recipe(config={**_MINICPM, "vision_config.patch_size": 4}, image_processor=_MINICPM_TILES),
    # It places tiles by the line breaks between them.
    "minicpmv4_7": Recipe(
        config={**_MINICPM, "vision_config.patch_size": 4, "newline_id": "\u010a"},
        image_processor=_MINICPM_TILES,
    ),
    "mistral4": Recipe(
        why_not="the library's class for it reads text alone: it has no vision tower and takes no pixels"
    ),
    # Features of both layers in between are laid beside the last ones; small tiles make several of them.
    "mllama": Recipe(
        config={
            "vision_config.image_size": 56,
            "vision_config.intermediate_layers_indices": [0, 1],
            "vision_config.vision_output_dim": 192,
        },
    ),
    # Layers of features are numbered apart from layers, and its tokens have names of their own.
    "molmo2": Recipe(
        config={
            "vision_config.image_size": [84, 84],
            "vision_config.num_position_embeddings": 36,
            "adapter_config.vision_feature_layer": [1, 0],
            "image_patch_id": "<im_patch>",
            "image_start_token_id": "<im_start>",
            "low_res_image_start_token_id": "<low_res_im_start>",
            "image_end_token_id": "<im_end>",
            "frame_start_token_id": "<frame_start>",
            "frame_end_token_id": "<frame_end>",
        },
        image_processor={"size": {"height": 84, "width": 84}, "overlap_margins": [1, 1]},
    ),
    "muse_glimmer": Recipe(config=_MUSE),
    "muse_spark": Recipe(config={**_MUSE, "audio_config.hidden_sizes": [16, 16]}),
    # Feature tokens are not what stands for an image in the text, and five marks have features of their own.
    "ovis2": Recipe(
        config={
            "vision_config.image_size": 56,
            "image_token_id": "<IMG_ATOM>",
            "visual_indicator_token_ids": [
                "<IMG_START>",
                "<IMG_GRID>",
                "<IMG_COL>",
                "<IMG_ROW>",
                "<IMG_END>",
            ],
        },
        processor={"image_seq_length": 16},
        image_processor={"crop_to_patches": True, "max_patches": 4},
    ),
    # Two images that touch would be counted as one; its checkpoints' template puts marks around each.
    "paddleocr_vl": Recipe(
        tokenizer={"image_start": "<|IMAGE_START|>", "image_end": "<|IMAGE_END|>"},
        template="{% for message in messages %}User: {% for part in message.content %}"
        "{% if part.type == 'image' %}<|IMAGE_START|><image><|IMAGE_END|>{% else %}{{ part.text }}{% endif %}"
        "{% endfor %}\n{% endfor %}Assistant: ",
    ),
    "paligemma": Recipe(image_processor={"image_seq_length": 64}),
    # The sound part is left out of the network, but its processor wants the extractor.
    "nemotron_h_omni": Recipe(
        config={"vision_config.max_img_size": 256},
        image_processor={"min_num_patches": 64, "max_num_patches": 256},
        parts={"feature_extractor": {"class": "ParakeetFeatureExtractor"}},
    ),
    # A tower of the timm library, by the name and arguments that its checkpoints give.
    "perception_lm": Recipe(
        config={
            "vision_config": {
                "model_type": "timm_wrapper",
                "architecture": "vit_pe_lang_large_patch14_448",
                "do_pooling": False,
                "num_classes": 0,
                "model_args": {
                    "depth": 2,
                    "embed_dim": 64,
                    "num_heads": 4,
                    "mlp_ratio": 2.0,
                    "img_size": [84, 84],
                    "ref_feat_shape": [6, 6],
                    "global_pool": "",
                    "use_post_transformer_norm": False,
                    "init_values": 0.1,
                },
            },
            "projector_pooling_ratio": 2,
        },
        processor={"patch_size": 14, "pooling_ratio": 2},
        image_processor={"tile_size": 84, "max_num_tiles": 4},
    ),
    # Its processor counts on 16 x 16 tokens a tile, so patches are made small and not fewer.
    "phi4_multimodal": Recipe(
        config={
            "vision_config.patch_size": 2,
            "vision_config.image_size": 64,
            "vision_config.crop_size": 64,
            "vision_config.image_token_id": "<image>",
            "audio_config.audio_token_id": "<audio>",
            "audio_config.nemo_conv_channels": 64,
            "audio_config.ext_pw_out_channel": 64,
            "audio_config.depthwise_separable_out_channel": 64,
        },
        image_processor={"dynamic_hd": 2},
    ),
    "pi0": Recipe(why_not="it answers with movements of a robot and never with text"),
    # A patch of 16 x 16 pixels is a vector of 768 numbers.
    "pix2struct": Recipe(
        config={"vision_config.patch_embed_hidden_size": 768, "vision_config.seq_len": 64},
        image_processor={"max_patches": 48},
    ),
    # The template of its checkpoints writes all image tokens: a quarter of the patches a side.
    "pp_chart2table": Recipe(
        config={
            "vision_config.image_size": 256,
            "vision_config.output_channels": 16,
            "vision_config.window_size": 4,
        },
        tokenizer={"image_token": "<imgpad>", "im_start": "<img>", "im_end": "</img>"},
        template="{% for message in messages %}{% for part in message.content %}{% if part.type == 'image' %}"
        "<img>{{ '<imgpad>' * 16 }}</img>\n{% else %}{{ part.text }}\n{% endif %}{% endfor %}{% endfor %}",
    ),
    # Sizes of its convolutions have names of their own, and a quarter of the patches a side is left of them.
    "pp_formulanet": Recipe(
        config={
            "vision_config.image_size": 256,
            "vision_config.output_channels": 16,
            "vision_config.post_conv_in_channels": 16,
            "vision_config.post_conv_mid_channels": 32,
            "vision_config.post_conv_out_channels": 64,
            "vision_config.window_size": 4,
        },
    ),
}
