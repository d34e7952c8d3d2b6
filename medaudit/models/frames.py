"""Model types that read films alone: a picture is shown to them as a film in which nothing moves."""

from __future__ import annotations

from typing import Any

#: Frames that a type was trained on.
FRAMES = {"instructblipvideo": 4}


def still(kind: str, pictures: list[list[Any]]) -> list[list[Any]]:
    """The pictures of each request, as a still film where the model type ``kind`` reads films alone.

    Raises ``ValueError`` for several pictures in one request, which a film cannot hold apart.
    """
    frames = FRAMES.get(kind)
    if frames is None:
        return pictures
    if any(len(several) > 1 for several in pictures):
        raise ValueError("a model that reads films takes one picture a question")
    return [several * frames for several in pictures]
