"""docs/calibration.md, drawn from the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medaudit.calibration.table import flaw_rows, markdown, percent, power_rows
from medaudit.calibration.tally import MARGINS

if TYPE_CHECKING:
    from medaudit.calibration.record import Record

_HEAD = """# Calibration

Measured on phantoms: small trained models with a known flaw, and clean ones. Written by `make calibration`;
`medaudit calibrate` does the same for your probes and your phantoms. An *alarm* is what an audit raises by
itself: a quantity shown to lie beyond its margin, corrected over every test of the whole audit (Holm, 5 %).
"""

_FLAWS = """
## What each probe did
*found*: the alarm meant for the flaw was raised, with the right slice. *follows*: an alarm that the flaw
entails. *false alarm*: any other. Each audit has {n} cases of its own patients.
"""

_POWER = """
## Power
A flaw is diluted: the flawed phantom answers for a share of the patients, its clean twin for the others. The
effect is that share of the full strength, in points of what the alarm looks at. A cell is the part of {draws}
draws of n cases from the audits above in which the alarm was raised, at the family-wise level of a whole
audit. Draws overlap where n is more than a tenth of the pool, so neighbouring cells are not independent. They
are random, as a user's cases are; the audits above have questions and answers dealt evenly, which makes them
steadier: `blind` is found more often there.
"""

_MARGINS = """
## Margins
*limit* is the strictest margin on the grid that clean audits bear: the level, shared out among the alarms, is
not exceeded by any ({least:g} to {most:g} were tried). The margin in use is never stricter; it is more
lenient where a smaller effect would be of no concern.
"""


_ALONE = """
## The probe `{name}` alone
It runs where it is named, and is calibrated as an audit of its own{how}.
"""


def page(records: Sequence[Record]) -> str:
    """The whole page: the probes of every audit first, then each that runs by name."""
    main, *alone = (record.document for record in records)
    return "".join([_together(main), *(_by_name(document) for document in alone)])


def _together(document: Mapping[str, Any]) -> str:
    clean = document["clean"]
    draws = max((cell["draws"] for flaw in document["flaws"] for cell in flaw["power"]), default=0)
    parts = [
        _HEAD,
        "\n## False alarms\n",
        _quiet(clean, "A whole audit"),
        _FLAWS.format(n=clean["n"]),
        "\n" + markdown(flaw_rows(document)) + "\n",
        _POWER.format(draws=draws),
        "\n" + markdown(power_rows(document)) + "\n",
        _MARGINS.format(least=min(MARGINS), most=max(MARGINS)),
        "\n" + markdown(_margin_rows(document)) + "\n",
    ]
    return "".join(parts)


def _by_name(document: Mapping[str, Any]) -> str:
    clean = document["clean"]
    (name,) = document["probes"]
    given = document.get("parameters", {}).get(name, {})
    how = ", ".join(f"`{key} = {value!r}`" for key, value in given.items())
    return "".join(
        [
            _ALONE.format(name=name, how=f", with {how}" if how else ""),
            "\n" + _quiet(clean, "An audit"),
            "\n" + markdown(flaw_rows(document)) + "\n",
            "\n" + markdown(_margin_rows(document)) + "\n",
        ]
    )


def _quiet(clean: Mapping[str, Any], audit: str) -> str:
    """How often a clean phantom raised an alarm, and which."""
    able = f" In {clean['able']} of them there was enough to test." if "able" in clean else ""
    told = (
        f"{audit} of a clean phantom raised an alarm in **{percent(clean['audit'])}**.{able}\n"
        f"Phantoms {', '.join(clean['phantoms'])}; data {', '.join(clean['data'])}; n = {clean['n']}.\n"
    )
    return told + _heard(clean["raised"])


def _heard(raised: list[Mapping[str, Any]]) -> str:
    if not raised:
        return ""
    told = [
        f"- {each['phantom']} on {each['data']} (seed {each['seed']}): {each['probe']}/{each['rule']} "
        f"{' '.join(f'{key}={value}' for key, value in each['slice'].items())}, "
        f"p = {each['p_adjusted']:.3f} after correction"
        for each in raised
    ]
    return "\n" + "\n".join(told) + "\n"


def _margin_rows(document: Mapping[str, Any]) -> list[list[str]]:
    rows = [["alarm", "raised", "margin", "limit"]]
    for each in document["margins"]:
        limit = "none held" if each["limit"] is None else f"{each['limit']:.3f}"
        rows.append([f"{each['probe']}/{each['rule']}", each["side"], f"{each['margin']:.3f}", limit])
    return rows
