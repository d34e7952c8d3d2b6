"""What is put in must differ from its controls by the cluster alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaudit.case import Case
from medaudit.image import ArrayImage, keyed_rng
from medaudit.model import Request
from medaudit.models.scripted import ScriptedModel, embedder
from medaudit.probes.spurious_edits import Trial
from medaudit.probes.spurious_insertion import CONTROLS, insertion
from medaudit.probes.spurious_regions import seen
from medaudit.probes.spurious_tasks import answered
from medaudit.proposals import proposer
from medaudit.regions import Cluster
from medaudit.testing import context_for

SIDE, HALF = 32, 16
DARK, MID, BRIGHT = 30, 90, 200


def picture(number: int, *, corner: int, ground: int) -> ArrayImage:
    """The upper left quadrant of one grey, the lower right of another; noise everywhere."""
    pixels = keyed_rng("insertion", number).integers(0, 10, (SIDE, SIDE, 1)) + DARK
    pixels[:HALF, :HALF] += corner - DARK
    pixels[HALF:, HALF:] += ground - DARK
    return ArrayImage(np.repeat(pixels.astype(np.uint8), 3, axis=2), f"picture-{number}")


def vector(request: Request, box: Any) -> Any:
    x0, y0, x1, y1 = box or (0, 0, SIDE, SIDE)
    part = request.images[0].pixels()[y0:y1, x0:x1]
    return np.array([1.0, x0 / SIDE, y0 / SIDE, part.mean() / 255])


def tried(pictures: list[ArrayImage], labels: list[str], says: Any, held: list[int], quadrant: int) -> Trial:
    """``insertion`` of one quadrant of the images ``held``, which is said to be taken for *yes*."""
    cases = tuple(
        Case(f"c{number:03d}", (image,), "Is it?", label, ("yes", "no"), f"p{number}")
        for number, (image, label) in enumerate(zip(pictures, labels, strict=True))
    )
    model = embedder(
        vector,
        ScriptedModel(
            lambda request: says(request.images[0].pixels()), capabilities=("choose",), id="scripted"
        ),
    )
    ctx = context_for(cases, model)
    (task,) = answered(ctx, [cases], len(cases))
    boxes = [proposer("quadrants")(case) for case in task.cases]
    parts = seen(ctx, task, boxes, vectors="crops", mode="faithful", covariates=False)
    assert parts is not None
    at = [place for place, case in enumerate(task.cases) if int(case.id[1:]) in held]
    cluster = Cluster(
        name="cluster 0",
        kept=True,
        gap=1.0,
        gap_per_class=None,
        rows=(),
        helped=0,
        hurt=1,
        influence=None,
        test=None,
        medoid=4 * at[0] + quadrant,
        members=np.array([4 * place + quadrant for place in at]),
        images=np.array(at),
    )
    return insertion(ctx, task, parts, cluster, np.ones(len(cases), dtype=np.bool_))


def rates(trial: Trial) -> dict[str, tuple[float | None, float | None]]:
    return {effect.kind: effect.rates for effect in trial.effects}


def test_a_bright_corner_is_the_cause_whatever_else_in_the_picture_is_bright() -> None:
    # A bright ground lies in every picture: pasted into the corner it would be a mark as good as any.
    corners = [BRIGHT if number % 2 else DARK for number in range(80)]
    pictures = [picture(number, corner=corner, ground=BRIGHT) for number, corner in enumerate(corners)]
    labels = [("yes", "no")[number // 2 % 2] for number in range(80)]

    trial = tried(
        pictures,
        labels,
        lambda pixels: "yes" if pixels[:HALF, :HALF].mean() > 100 else "no",
        [number for number, corner in enumerate(corners) if corner == BRIGHT],
        quadrant=0,
    )

    assert rates(trial) == dict.fromkeys(CONTROLS, (1.0, 0.0))
    assert trial.facts["edited"] == 20
    assert trial.p_value is not None
    assert trial.p_value < 1e-5


def test_what_only_covers_the_evidence_is_no_cause() -> None:
    """The ground is evidence: bright in *no*. Dark and middle grounds are two looks of *yes*, as right."""
    labels = [("yes", "no")[number % 2] for number in range(120)]
    # A few of *no* show neither, so that some of them hold the cluster and can lend it.
    looks = [
        (DARK, MID)[number // 2 % 2] if label == "yes" or number < 24 else BRIGHT
        for number, label in enumerate(labels)
    ]
    pictures = [picture(number, corner=DARK, ground=look) for number, look in enumerate(looks)]

    trial = tried(
        pictures,
        labels,
        lambda pixels: "no" if pixels[HALF:, HALF:].mean() > 150 else "yes",
        [number for number, look in enumerate(looks) if look == DARK],
        quadrant=3,
    )

    # Put over a bright ground, the dark look takes the evidence away; so does the other look of *yes*.
    assert rates(trial)["beside its own class"] == (1.0, 1.0)
    assert trial.p_value == 1.0


def test_lenders_are_never_the_image_s_own_patient_and_one_apiece() -> None:
    pictures = [picture(number, corner=(DARK, BRIGHT)[number % 2], ground=MID) for number in range(60)]
    labels = [("yes", "no")[number // 2 % 2] for number in range(60)]

    trial = tried(pictures, labels, lambda _: "no", [n for n in range(60) if n % 2], quadrant=0)

    donors = [donor["case"] for donor in trial.facts["donors"]]
    assert len(set(donors)) == len(donors) == 5
    assert all(labels[int(case[1:])] == "no" for case in donors)
    # Control: a model that never says yes is moved by nothing.
    assert rates(trial) == dict.fromkeys(CONTROLS, (0.0, 0.0))
    assert trial.p_value == 1.0
