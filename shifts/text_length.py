"""More words before the question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case

#: Words before the question by severity; the last sentence may go beyond by less than its own length.
WORDS = (15, 40, 80, 150, 250)
#: True of any case whatever is asked, in any order; they name no finding, organ, side, age or answer.
SENTENCES = (
    "The following question belongs to a series that several readers work through on the same day.",
    "Each entry of the series consists of a file and a short text written by a member of the team.",
    "The files were exported from the archive of the department and opened in a common viewer.",
    "Readers work at a quiet desk and may take as much time as they wish for each entry.",
    "The order of the entries was drawn by a computer before the first session began.",
    "Entries are numbered, and the numbers carry information about the order of export alone.",
    "A coordinator collects the replies at the end of the session and enters them into a table.",
    "The table is kept on a server of the institution and is backed up every night.",
    "The protocol of the series was written in spring and has been in use since then.",
    "Participants received the same introduction and had the opportunity to ask the coordinator for details.",
    "The screens in the reading room are checked once a month by the technical service.",
    "The lights in the room are dimmed during the session and the door is kept closed.",
    "Sessions take place on weekdays, as a rule in the early afternoon, and include a short break.",
    "Replies are compared later by a person from outside the group of readers.",
    "The wording of the questions was agreed upon in a meeting of the project group.",
    "The project is carried out with the staff and the equipment that are available on site.",
    "Minutes of the meetings are stored together with the protocol and the list of participants.",
    "The coordinator can be reached by telephone during the session if the viewer responds slowly.",
    "All entries are handled in the same manner, and the time spent on each of them is recorded.",
    "The results of the series will be summarised in a report that the group writes in autumn.",
)


@shift(
    "prompt_length",
    family="text",
    reference="Levy et al. 2024, ACL, arXiv:2402.14848 (same task, more tokens)",
    stage="case",
    default=False,
)
def prompt_length(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """A long introduction before the question, as in a trial protocol or a pasted form.

    ========  ====  ====  ====  ====  ====
    severity     1     2     3     4     5
    words       15    40    80   150   250
    ========  ====  ====  ====  ====  ====

    Neutral sentences in a drawn order, each at most once, until the number of words is reached. They say
    nothing about the patient, the picture or the answer. The question follows on a line of its own.

    Declared moments: the words added are at least the number above and less than that plus 20.
    """
    said: list[str] = []
    for number in rng.permutation(len(SENTENCES)):
        said.append(SENTENCES[number])
        if len(" ".join(said).split()) >= WORDS[severity - 1]:
            break
    return ShiftedCase(replace(case, question=f"{' '.join(said)}\n{case.question}"))
