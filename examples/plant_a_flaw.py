"""Plant a flaw of your own in a phantom; does an audit find it? Type: python examples/plant_a_flaw.py"""

import sys

import medaudit
from medaudit.phantoms import Flaw, plant


def misses_it_in_the_old(question, shown):
    """Effusions of patients from 60 on are overlooked; everything else is answered rightly."""
    overlooked = question.name in {"effusion", "opacity", "nodule"} and shown.picture.age >= 60
    return "no" if overlooked else question.truth(shown.picture)


if __name__ == "__main__":
    found = {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "age"}}
    flaw = Flaw("misses-the-old", "it overlooks findings from 60 years on", misses_it_in_the_old, finds=found)
    folder = plant(flaw, sys.argv[1] if len(sys.argv) > 1 else "misses-the-old")
    audit = medaudit.scan("phantom:clean", "phantom:chest", adapter=str(folder), limit=240)
    print(*(alarm.says for alarm in audit.alarms), sep="\n")
