"""The checks of ``medaudit check``, by the name of their row, in the order of the table."""

from __future__ import annotations

from medaudit.checks import answers, cost, inside, tokens, weights
from medaudit.checks.bench import Bench, Check

CHECKS: dict[str, Check] = {
    "capabilities": weights.capabilities,
    "weights": weights.weights,
    "vision tower": weights.vision_tower,
    "projector": weights.projector,
    "image is used": answers.image_used,
    "same input twice": answers.repeatable,
    "batch of 1 equals batch of 4": answers.batching,
    "generated: batch of 1 equals batch of 4": answers.generated_batching,
    "padding side": answers.padding,
    "option scores equal full passes": answers.brute_force,
    "question without image": answers.text_only,
    "several images": answers.several_images,
    "tokens per image": tokens.tokens,
    "token geometry": tokens.geometry,
    "attention": inside.attention,
    "gradients": inside.gradients,
    "intervention": inside.intervention,
    "tuning": inside.tuning,
    "speed": cost.speed,
    "memory": cost.memory,
}

__all__ = ["CHECKS", "Bench", "Check"]
