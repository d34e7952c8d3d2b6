"""Pictures of the worst cases, kept beside the audit only where the data is declared public."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.audit import write_text
from medaudit.case import Case, CaseSet
from medaudit.context import Context
from medaudit.finding import Finding, Verdict
from medaudit.model import Answer
from medaudit.store import Store

if TYPE_CHECKING:
    from medaudit.image import Image

FILE = "evidence.json"
#: Cases of one probe; those of its failed findings take half of them first.
MOST = 48
SIDE = 160


def save_evidence(
    folder: Path, cases: CaseSet, findings: Sequence[Finding], context: Context, store: Store
) -> None:
    """Write thumbnails, questions and answers of the cases that findings point at; public data only."""
    path = folder / FILE
    if not cases.public:
        path.unlink(missing_ok=True)
        return
    by_id = {case.id: case for case in cases.cases}
    wanted = [name for probe in dict.fromkeys(f.probe for f in findings) for name in _of(probe, findings)]
    shown = [by_id[name] for name in dict.fromkeys(wanted) if name in by_id]
    record = {"cases": {case.id: _card(case, context, store) for case in shown}}
    write_text(path, json.dumps(record, ensure_ascii=False))


def _of(probe: str, findings: Sequence[Finding]) -> list[str]:
    own = [finding for finding in findings if finding.probe == probe]
    failed = _in_turn([finding for finding in own if finding.verdict is Verdict.FAIL])
    return list(dict.fromkeys([*failed[: MOST // 2], *_in_turn(own)]))[:MOST]


def _in_turn(findings: Sequence[Finding]) -> list[str]:
    """One case of each finding in turn, so that no finding's list uses up the room."""
    rounds = max((len(finding.evidence) for finding in findings), default=0)
    named = [f.evidence[turn] for turn in range(rounds) for f in findings if turn < len(f.evidence)]
    return list(dict.fromkeys(named))


def _card(case: Case, context: Context, store: Store) -> dict[str, Any]:
    key = context.request(case).key(context.model.fingerprint)
    answer = store.lookup([key]).get(key)
    return {
        "thumbnail": thumbnail(case.images[0]) if case.images else None,
        # Width and height: boxes are in pixels of the original.
        "size": list(case.images[0].size[::-1]) if case.images else None,
        "options": list(case.options),
        "question": case.question,
        "reference": case.answer,
        "answers": {"as given": _said(case, answer)} if answer else {},
    }


def _said(case: Case, answer: Answer) -> str:
    if answer.scores is not None:
        return case.options[max(range(len(answer.scores)), key=answer.scores.__getitem__)]
    return (answer.text or "").strip()[:200] or "(empty)"


def thumbnail(image: Image) -> str:
    """A JPEG data URI, at most 160 pixels a side; small pictures are enlarged without smoothing."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image.pixels())
    if max(picture.size) < SIDE:
        factor = SIDE // max(picture.size)
        picture = picture.resize((picture.width * factor, picture.height * factor), Pillow.Resampling.NEAREST)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
