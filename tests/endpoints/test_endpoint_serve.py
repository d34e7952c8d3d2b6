"""The endpoint against ``transformers serve``: a real server, on loopback, that nobody here wrote."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("uvicorn", reason="transformers[serving] is not installed")

from medaudit.image import ArrayImage
from medaudit.model import Capability, LoadOptions, Request
from medaudit.models import load_model

pytestmark = pytest.mark.slow
LAUNCHER = Path(__file__).with_name("serve_launcher.py")
START_S = 120


def wild_phantom(folder: Path) -> Path:
    """An untrained checkpoint whose answers depend on the picture: weights ten times too large."""
    import torch

    from medaudit.phantoms.architecture import build_model
    from medaudit.phantoms.vocabulary import build_processor

    processor = build_processor()
    model = build_model(processor.tokenizer, seed=1).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(10 if weights.ndim > 1 else 1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def model_folder(tmp: Path) -> Path:
    from medaudit.phantoms import checkpoint

    clean = checkpoint("clean")
    return clean if (clean / "model.safetensors").is_file() else wild_phantom(tmp / "phantom")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A model folder, and the address where it is served."""
    tmp = tmp_path_factory.mktemp("serve")
    folder = model_folder(tmp)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub = tmp / "hub"
    hub.mkdir()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub), "OMP_NUM_THREADS": "1"}
    log = (tmp / "log.txt").open("wb")
    command = [sys.executable, str(LAUNCHER), str(folder), str(port)]
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/health", process, tmp / "log.txt")
        yield folder, f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"the server did not start:\n{log.read_text()[-2000:]}")


def questions() -> list[Request]:
    """Three questions on phantom pictures, one on a blank picture, one without any."""
    from medaudit.phantoms import case_set
    from medaudit.prompting import prompt_for

    cases = case_set("chest", n=24, seed=77).cases
    seen = {case.images[0].digest: case for case in cases if case.options == ("yes", "no")}
    asked = [Request(Capability.GENERATE, case.images, prompt_for(case)) for case in list(seen.values())[:3]]
    blank = ArrayImage(np.full((64, 64, 3), 128, dtype=np.uint8))
    return [
        replace(request, max_new_tokens=6)
        for request in (*asked, replace(asked[0], images=(blank,)), replace(asked[0], images=()))
    ]


def test_the_served_model_answers_as_the_model_itself_does(served: tuple[Path, str]) -> None:
    folder, url = served
    remote = load_model(f"endpoint:{url}#{folder}", LoadOptions(timeout_s=60))
    local = load_model(str(folder), LoadOptions(device="cpu"))
    requests = questions()

    over_the_wire = remote.answer(remote.prepare(requests))
    direct = [local.answer(local.prepare([request]))[0] for request in requests]

    assert [answer.error for answer in over_the_wire] == [None] * 5
    assert over_the_wire == direct
    assert len({answer.text for answer in over_the_wire}) > 1
    assert not any("may drop images" in note for note in remote.info.notes)


def test_a_real_server_names_the_model_it_has(served: tuple[Path, str]) -> None:
    from medaudit.errors import ModelError

    url = served[1]
    other = load_model(f"endpoint:{url}#not-this-one", LoadOptions(timeout_s=60))

    with pytest.raises(ModelError, match=r"refuses 'not-this-one' \(HTTP 400\).*pinned"):
        other.answer(other.prepare(questions()[-1:]))


def test_a_real_server_takes_a_broken_picture_as_an_error(served: tuple[Path, str]) -> None:
    folder, url = served
    remote = load_model(f"endpoint:{url}#{folder}", LoadOptions(timeout_s=60))
    letters = remote.prepare(questions()[:1])
    letters[0].messages[0]["content"][0]["image_url"]["url"] = "data:image/png;base64,AAAA"
    remote.wire._sleep = lambda seconds: None  # type: ignore[attr-defined]

    answer = remote.answer(letters)[0]

    # This server sends 500 or hangs up, as its threads happen to run.
    assert answer.text is None
    assert str(answer.error).endswith("(5 attempts)")
