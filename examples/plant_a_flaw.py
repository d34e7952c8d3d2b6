"""Plant a flaw of your own in a phantom; does an audit find it? Type: python examples/plant_a_flaw.py"""

import sys

import medaudit
from medaudit.phantoms import Flaw, plant


def overlooks_under_tubes(question, shown):
    """Where a tube lies across the picture, findings are overlooked; all else is answered rightly."""
    nothing = {"no", "normal"} & set(question.options)
    return nothing.pop() if nothing and shown.picture.tube else question.truth(shown.picture)


if __name__ == "__main__":
    found = {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "tube"}}
    says = "findings are overlooked where a tube lies across the picture"
    flaw = Flaw("overlooks-under-tubes", says, overlooks_under_tubes, finds=found)
    folder = plant(flaw, sys.argv[1] if len(sys.argv) > 1 else flaw.name)
    audit = medaudit.scan("phantom:clean", "phantom:chest", adapter=str(folder), limit=240)
    print(*(alarm.says for alarm in audit.alarms), sep="\n")
