"""Model types whose requests run one by one, because a padded batch changes their answers."""

from __future__ import annotations

#: Begins the note of a model that runs so; ``medaudit check`` looks for it.
ALONE = "ONE BY ONE"

#: Found by comparing a padded batch with each request alone, on logits of scoring and of every step of
#: generation. A type that fails this comparison in ``medaudit check`` belongs here.
ONE_BY_ONE = {
    "blip": "it counts positions from the left edge, padding included",
    "diffusion_gemma": "its text begins as random tokens, drawn for a batch at once",
    "emu3": "smaller pictures are padded to the largest, and its codes see the padding",
    "hunyuan_vl": "it numbers the images of a whole batch, so positions depend on the questions before",
    "kosmos-2": "while it generates it counts positions from the left edge, padding included",
    "kosmos-2.5": "its processor marks the places of the image as if nothing stood before it",
    "pp_formulanet": "its decoder counts positions from the left edge, padding included",
    "udop": "its image stands behind the text, at places that move with padding",
    "vision-encoder-decoder": "its decoder may count positions from the left edge, padding included",
}
