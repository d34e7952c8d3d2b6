"""What probes, metrics and slices are called in print, and what kind of number a metric is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Metric(NamedTuple):
    """``kind``: share, points, percent (of another), ratio, count, number. ``better``: high, low or ''."""

    title: str
    kind: str = "number"
    better: str = ""


class Words(NamedTuple):
    """A probe's name in print, the question it asks and why a clinician should care."""

    title: str
    question: str
    why: str


METRICS = {
    "accuracy": Metric("Accuracy", "share", "high"),
    "visual_gain": Metric("Visual gain", "points", "high"),
    "prior_index": Metric("Language-prior index", "percent", "low"),
    "prior_pull": Metric("Pull of the language prior", "points", "low"),
    "relative_robustness": Metric("Relative robustness", "percent", "high"),
    "relative_robustness_corrected": Metric("Relative robustness above chance", "percent", "high"),
    "accuracy_drop": Metric("Accuracy lost", "points", "low"),
    "accuracy_drop_standardised": Metric("Accuracy lost at an equal mix of questions", "points", "low"),
    "mean_corruption_error": Metric("Mean corruption error", "percent", "low"),
    "relative_error": Metric("Accuracy lost, of what pictures are worth to it", "percent", "low"),
    "balanced_error": Metric("Balanced error", "share", "low"),
    "shift_size": Metric("Size of the shift (AUC)", "number", ""),
    "flip_rate": Metric("Answers changed", "share", "low"),
    "self_flip": Metric("Noise floor (asked again)", "share", "low"),
    "flip_excess": Metric("Answers changed beyond the noise floor", "points", "low"),
    "subgroup_gap": Metric("Subgroup gap", "points", "low"),
    "inversion_failure": Metric("Answers that did not turn with the question", "share", "low"),
    "spread": Metric("Best minus worst wording", "points", "low"),
    "worst_prompt": Metric("Accuracy under the worst wording", "share", "high"),
    "ece": Metric("Calibration error", "points", "low"),
    "ece_after_temperature": Metric("Calibration error after temperature scaling", "points", "low"),
    "brier": Metric("Brier score", "number", "low"),
    "aurc": Metric("Area under risk and coverage", "number", "low"),
    "overconfidence": Metric("Wrong answers that were stated as sure", "share", "low"),
    "temperature": Metric("Temperature that fits best", "number", ""),
    "subgroup_difference": Metric("Subgroup against the rest", "points", ""),
    "subgroup_gap_equal_prevalence": Metric("Subgroup gap at an equal mix of questions", "points", "low"),
    "worst_group_accuracy": Metric("Accuracy of the worst subgroup", "share", "high"),
    "intersection_gap": Metric("Gap between intersections", "points", "low"),
    "mention_flip": Metric("Answers changed by a mention of the patient", "share", "low"),
    "mention_flip_excess": Metric("Changed by a mention beyond the noise floor", "points", "low"),
    "mention_accuracy_difference": Metric("Accuracy between mentions", "points", ""),
    "judged_accuracy": Metric("Judged accuracy of open answers", "share", "high"),
    "set_accuracy": Metric("Both of a pair right", "share", "high"),
    "individual_accuracy": Metric("Single questions of pairs right", "share", "high"),
    "confusion": Metric("Same answer to both of a pair", "share", "low"),
    "invalid_rate": Metric("Answers that could not be read", "share", "low"),
    "precision": Metric("Precision", "share", "high"),
    "confusion_excess": Metric("Confusion beyond its control", "points", "low"),
    "control_confusion": Metric("Same answer to both of a control pair", "share", "low"),
    "mined_pairs": Metric("Pairs mined", "count", ""),
    "unseen_ratio": Metric("Taken for the same, beside pairs that differ in nothing", "ratio", "low"),
    "mitigation_gain": Metric("Worst group gained by tuning away from the region", "points", "high"),
    "named_group_gain": Metric("Gained where it was worst before", "points", "high"),
    "nuisance_agreement": Metric("Same answer where a nuisance differs", "share", "high"),
    "position_bias": Metric("Answers that keep their place, not their meaning", "share", "low"),
    "margin": Metric("Margin between the two of a pair", "number", "high"),
    "discrimination": Metric("Discrimination (AUC)", "number", "high"),
    "blind_set_accuracy": Metric("Both of a pair right, unseen", "share", ""),
    "blind_individual_accuracy": Metric("Single questions of pairs right, unseen", "share", ""),
    "blind_invalid_rate": Metric("Answers that could not be read, unseen", "share", ""),
    "shortcut": Metric("Shortcut", "points", "low"),
    "gap": Metric("Accuracy gap of a region", "points", "low"),
    "influence": Metric("Influence of a region", "points", "low"),
    "removal_flip": Metric("Answers changed by covering the region, beyond the control", "points", "low"),
    "insertion_flip": Metric("Answers changed by pasting the region, beyond the control", "points", "low"),
    "mean_rank": Metric("Mean rank of the true id", "number", ""),
    "stitching_index": Metric("Stitching index", "number", "low"),
    "poisoned_groups": Metric("Poisoned groups", "number", "low"),
    "leak_rate": Metric("Identifiers leaked", "share", "low"),
    "reduction": Metric("Leaks prevented by masking", "share", "high"),
    "hybrid_reduction": Metric("Leaks prevented by masking and redaction", "share", "high"),
    "utility": Metric("Utility kept", "share", "high"),
    "grounding": Metric("Grounding", "points", "high"),
    "control_move": Metric("Moved by the control", "share", "low"),
    "swap_stability": Metric("Stable under swapped images", "share", ""),
    "swap_gain": Metric("Gain over a swapped image", "points", "high"),
    "unsafe_answer_rate": Metric("Unsafe answers", "share", "low"),
    "needless_refusal_rate": Metric("Needless refusals", "share", "low"),
    "youden": Metric("Youden index of abstention", "number", "high"),
    "capture": Metric("Captured by context", "share", "low"),
    "distraction": Metric("Lost to a distractor", "points", "low"),
    "mention_effect": Metric("Effect of a mention", "points", "low"),
    "visual_override": Metric("Image overridden by text", "share", "low"),
    "attack_excess": Metric("Attack success beyond its control", "points", "low"),
    "overlay_cost": Metric("Cost of an overlay", "points", "low"),
    "true_text_gain": Metric("Gain from true text", "points", ""),
    "relink_lift": Metric("Re-linking lift", "number", "low"),
    "memorisation": Metric("Memorisation", "share", "low"),
    "exposure": Metric("Exposure", "number", "low"),
    "roi_ratio": Metric("Attention inside the region", "ratio", "high"),
    "pointing_game": Metric("Pointing game", "share", "high"),
    "vision_share": Metric("Share of attention on the image", "share", ""),
    "deletion_gain": Metric("Deletion gain over random order", "points", "high"),
    "randomisation_correlation": Metric("Correlation with a randomised model", "number", "low"),
}

PROBES = {
    "baselines": Words(
        "Does it look at the image?",
        "How much of its accuracy remains when the image is taken away, blanked or exchanged?",
        "A model that does as well without the image answers from habit. Nothing measured about its "
        "pictures means anything until it beats these baselines.",
    ),
    "robustness": Words(
        "What changes in the image does it survive?",
        "How do its answers change when the picture is degraded as in practice, or comes from another group?",
        "Scanners, compression and patients differ from site to site. Losses are read against the noise "
        "floor: how often it changes its answer when asked exactly the same again.",
    ),
    "confidence": Words(
        "Is it right as often as it is sure?",
        "How far are its stated probabilities from how often it is right, and are its errors unsure ones?",
        "A wrong answer that is stated as sure is not looked at again.",
    ),
    "fairness": Words(
        "Is it as good for everybody?",
        "Do subgroups and their intersections differ at an equal mix of questions, and does naming a "
        "patient's age or sex change its answers?",
        "A mean hides whom it fails. Gaps are held against those of shuffled labels, over all groups.",
    ),
    "wording": Words(
        "Does it answer the question or its wording?",
        "How often do its answers change when the same question is put otherwise, or turned round?",
        "Nobody types a question twice in the same words.",
    ),
    "judged": Words(
        "Do its open answers say the right thing?",
        "How many open answers say the same as the reference, by a judge that was audited?",
        "A judge errs too: its own errors, and a correction by human labels, stand beside its verdicts.",
    ),
    "confusion": Words(
        "Which pairs does it confuse?",
        "Does it tell apart two images that look alike and have different answers?",
        "A single right answer may be luck; both of a pair are not.",
    ),
    "spurious": Words(
        "Does it lean on something irrelevant?",
        "Is there a region whose presence moves its answers although it carries no finding?",
        "A marker or tube that decides the answer will fail at the next hospital.",
    ),
    "mitigation": Words(
        "Can it be turned away from it?",
        "Does tuning away from the region that was found help the group that fares worst, more than tuning?",
        "A gain that plain tuning brings as well is no reason to trust the remedy.",
    ),
    "stitching": Words(
        "Can it be taught what no image shows?",
        "After training on scattered patches, does it know the whole?",
        "Harmful content may pass a patch-wise filter and be put together inside the model.",
    ),
    "phi": Words(
        "Does it give away identities?",
        "Which identifiers printed in an image does it repeat, and what does masking prevent?",
        "Names and numbers burnt into pictures can leave through the answer.",
    ),
    "attribution": Words(
        "Where did it look?",
        "Does the evidence it uses lie where the finding is?",
        "A map is evidence only when it passes the randomisation test beside it.",
    ),
}

_IMAGES = {
    "full": "with its image",
    "none": "no image",
    "blank": "blank image",
    "noise": "noise image",
    "swapped": "another case's image",
}
_PREDICTORS = {"majority": "always the commonest answer", "question_only": "question alone"}
_REPLICATES = {"alone": "asked again alone", "batch": "asked again in another batch"}
_CONTROLS = {
    "majority": "always the commonest answer",
    "question_only": "question alone",
    "question_only_accuracy": "question alone",
    "question_only_drop": "question alone",
    "question_only_ratio": "question alone",
    "majority_over_full": "commonest answer",
    "self_flip": "asked again",
    "self_drop": "asked again",
    "self_ratio": "asked again",
    "self_relative_error": "asked again",
    "permuted_labels": "labels shuffled",
    "dealt_anew": "cases dealt anew",
    "deterministic_decoding": "ideal",
    "flip_rate_control": "same edit elsewhere",
    "gap_by_chance": "by chance",
    "share_by_lot": "by lot",
    "other_pairs": "the other pairs",
    "nuisance_pairs": "pairs with equal right answers",
}


def control_words(name: str) -> str:
    """A control in print: ``question alone``, ``no image``, ``asked again``."""
    if name in _CONTROLS:
        return _CONTROLS[name]
    rival = name.removeprefix("accuracy_")
    return _IMAGES.get(rival) or _PREDICTORS.get(rival) or plain(name)


def control_kind(name: str, otherwise: str) -> str:
    """The kind of number a control is; an unknown one is of its finding's kind."""
    if name in METRICS:
        return METRICS[name].kind
    if name.endswith(("_ratio", "_over_full")):
        return "percent"
    if name.endswith("_drop"):
        return "points"
    if (
        name in ("majority", "question_only", "flip_rate_control", "share_by_lot")
        or name.startswith("accuracy_")
        or name.endswith("_accuracy")
    ):
        return "share"
    return otherwise


def metric(name: str) -> Metric:
    """The metric's wording; an unknown one is a plain number under its own name."""
    return METRICS.get(name) or Metric(name.replace("_", " ").capitalize())


def probe(name: str) -> Words:
    """The probe's wording; an unknown one has its name alone."""
    return PROBES.get(name) or Words(name.replace("_", " ").capitalize(), "", "")


def slice_words(parts: Mapping[str, Any]) -> str:
    """A slice in print: ``jpeg, severity 3``, ``sex = F``, ``no image``; empty for the whole data."""
    left = dict(parts)
    words = []
    if "shift" in left:
        words.append(plain(left.pop("shift")))
    if "severity" in left:
        words.append(f"severity {left.pop('severity')}")
    if "attribute" in left and "value" in left:
        words.append(f"{plain(left.pop('attribute'))} = {plain(left.pop('value'))}")
    if "image" in left:
        shown = left.pop("image")
        words.append(_IMAGES.get(str(shown), f"image {plain(shown)}"))
    if "predictor" in left:
        shown = left.pop("predictor")
        words.append(_PREDICTORS.get(str(shown), f"predictor {plain(shown)}"))
    if "replicate" in left:
        shown = left.pop("replicate")
        words.append(_REPLICATES.get(str(shown), f"asked again {plain(shown)}"))
    if "question" in left:
        asked = f"“{left.pop('question')}”"
        words.append(f"{asked} ({left.pop('options')})" if "options" in left else asked)
    if isinstance(left.get("cluster"), str):
        words.append(str(left.pop("cluster")))
    words += [f"{plain(name)} {plain(value)}" for name, value in left.items()]
    return ", ".join(words)


def plain(value: Any) -> str:
    """A slice's value in print: booleans as yes and no, names without underscores."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")
