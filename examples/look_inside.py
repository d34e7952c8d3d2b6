"""Where does the model look, what would change its answer, and what is left when a region is hidden?

python examples/look_inside.py [MODEL]
"""

from __future__ import annotations

import sys
from dataclasses import replace

import medaudit
from medaudit.geometry import geometry_of
from medaudit.whitebox.intervention import Intervention


def main(name: str = "phantom:clean") -> None:
    model = medaudit.load_model(name)
    case = next(case for case in medaudit.load_cases("phantom:chest").cases if case.regions)
    box = case.regions[0].box
    request = medaudit.Request(medaudit.Capability.CHOOSE, case.images, case.question, case.options)
    print(f"{case.question} ({case.answer}); region {case.regions[0].label} at {box}")

    tokens = geometry_of(model).token_map(case.images[0].size).tokens(box)
    print(f"image tokens that see the region: {tokens}")

    layers, weights = model.attend(request, case.answer).stacked()
    inside = weights[..., tokens].sum(axis=-1).mean(axis=(1, 2))
    for layer, share in zip(layers, inside, strict=True):
        print(f"attention to them in layer {layer}: {share:.3f}")

    heat = model.pixel_gradient(request, case.answer).heat
    x0, y0, x1, y1 = (round(edge) for edge in box)
    print(f"gradient inside the region: {heat[y0:y1, x0:x1].sum() / heat.sum():.3f} of the whole")

    hidden = replace(
        request, intervention=Intervention("embedding", ((0, *box),), radius=1, fill="mean").to_text()
    )
    for label, asked in (("as it is", request), ("region hidden", hidden)):
        (answer,) = model.answer(model.prepare([asked]))
        scores = zip(case.options, answer.scores or (), strict=True)
        print(f"{label:<14}", ", ".join(f"{option} {score:.2f}" for option, score in scores))


if __name__ == "__main__":
    main(*sys.argv[1:])
