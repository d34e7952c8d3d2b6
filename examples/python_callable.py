"""Audit anything that takes images and a prompt: a service, a pipeline, an agent.

    python examples/python_callable.py [OUT]

The same from the command line:  medaudit scan python:examples/python_callable.py:make --data FOLDER
"""

import sys

from PIL import Image

import medaudit


def make():
    """Return the callable under audit: here, a rule that looks at brightness alone."""

    def answer(images: list[Image.Image], prompt: str) -> str:
        if not images:
            return "I cannot tell without an image."
        brightness = images[0].convert("L").resize((1, 1)).getpixel((0, 0))
        return "yes" if brightness > 90 else "no"

    return answer


if __name__ == "__main__":
    audit = medaudit.scan(
        make(),
        "phantom:chest",
        limit=80,
        probes=["baselines"],
        out=sys.argv[1] if len(sys.argv) > 1 else None,
    )
    for finding in audit.findings:
        print(f"{finding.metric:<12} {dict(finding.slice)}: {finding.estimate} {finding.reason}")
