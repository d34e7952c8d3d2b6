"""For tests of probes, shifts and models: scripted models, small cases, contract checks.

::

    from medaudit.testing import check_probe, check_shift, context_for, oracle, synthetic_cases

    cases = synthetic_cases(24, seed=1)
    findings = list(my_probe(context_for(cases, oracle(cases))))
    check_probe("my_probe")
"""

from medaudit.contracts import check_probe, check_shift
from medaudit.instruments import context_for, direct_ask, synthetic_cases
from medaudit.models.scripted import ScriptedModel, coin, constant, embedder, flipper, oracle, prior, sighted

__all__ = [
    "ScriptedModel",
    "check_probe",
    "check_shift",
    "coin",
    "constant",
    "context_for",
    "direct_ask",
    "embedder",
    "flipper",
    "oracle",
    "prior",
    "sighted",
    "synthetic_cases",
]
