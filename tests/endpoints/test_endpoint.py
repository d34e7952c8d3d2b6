"""The endpoint on a healthy server: what is sent, what identifies it, what is noticed."""

from __future__ import annotations

import base64
import io
import logging
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, LoadOptions, Request
from medaudit.models.endpoint import load_endpoint
from medaudit.models.endpoint_record import identity
from medaudit.testing import context_for, oracle, synthetic_cases

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
QUESTION = Request(Capability.GENERATE, (ArrayImage(PIXELS),), "Is it?", max_new_tokens=11)


def complete(text: str, finish: str = "stop", tokens: int | None = None) -> dict[str, Any]:
    usage = {"usage": {"prompt_tokens": tokens}} if tokens is not None else {}
    return {"choices": [{"message": {"content": text}, "finish_reason": finish}], **usage}


def test_a_request_carries_the_pixels_exactly_then_the_text(server: Any) -> None:
    model = load_endpoint(server.url, "m", LoadOptions())

    model.answer(model.prepare([QUESTION]))

    body = server.bodies[0]
    image, text = body["messages"][0]["content"]
    encoded = image["image_url"]["url"].removeprefix("data:image/png;base64,")
    received = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert (received == PIXELS).all()
    assert text == {"type": "text", "text": "Is it?"}
    assert (body["model"], body["temperature"], body["seed"], body["max_tokens"]) == ("m", 0.0, 0, 11)


def test_answers_come_in_order_and_side_by_side(server: Any) -> None:
    server.reply = lambda body: _slow_echo(server, body)
    model = load_endpoint(server.url, "m", LoadOptions(extra={"concurrency": 4}))
    requests = [Request(Capability.GENERATE, (), f"q{number}") for number in range(12)]

    answers = model.answer(model.prepare(requests))

    assert [answer.text for answer in answers] == [f"q{number}" for number in range(12)]
    assert 2 <= server.busiest <= 4


def test_requests_marked_alone_go_one_by_one(server: Any) -> None:
    server.reply = lambda body: _slow_echo(server, body)
    model = load_endpoint(server.url, "m", LoadOptions())
    requests = [Request(Capability.GENERATE, (), f"q{number}", alone=True) for number in range(5)]

    answers = model.answer(model.prepare(requests))

    assert [answer.text for answer in answers] == [f"q{number}" for number in range(5)]
    assert server.busiest == 1


def _slow_echo(server: Any, body: dict[str, Any]) -> dict[str, Any]:
    server.over.wait(0.05)
    return complete(body["messages"][0]["content"][-1]["text"])


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("MEDAUDIT_API_KEY", "sk-secret")
    with caplog.at_level(logging.DEBUG):
        model = load_endpoint(server.url, "m", LoadOptions())
        model.answer(model.prepare([QUESTION]))

    assert {headers["Authorization"] for headers in server.headers} == {"Bearer sk-secret"}
    assert "sk-secret" not in repr(model.info) + caplog.text


def test_without_a_key_none_is_sent(server: Any) -> None:
    load_endpoint(server.url, "m", LoadOptions())

    assert "Authorization" not in server.headers[0]


def test_credentials_in_the_address_stay_out_of_id_fingerprint_and_log(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plain = load_endpoint(server.url, "m", LoadOptions())
    with caplog.at_level(logging.DEBUG):
        named = load_endpoint(server.url.replace("://", "://ada:hunter2@"), "m", LoadOptions())

    assert named.info.id == plain.info.id == f"endpoint:{server.url}#m"
    assert named.info.fingerprint == plain.info.fingerprint
    assert "hunter2" not in caplog.text
    assert server.headers[-1]["Authorization"].startswith("Basic ")


def test_a_refused_seed_is_left_out_from_then_on(server: Any) -> None:
    def reply(body: dict[str, Any]) -> Any:
        if "seed" in body:
            return _refusal(server, "Unexpected fields in the request: {'seed'}")
        return complete("yes")

    server.reply = reply
    model = load_endpoint(server.url, "m", LoadOptions())

    first = model.answer(model.prepare([QUESTION]))
    second = model.answer(model.prepare([QUESTION]))

    assert first == second == [Answer(text="yes")]
    assert ["seed" in body for body in server.bodies] == [True, False, False]


def test_newer_length_field_and_fixed_temperature_are_learnt(server: Any) -> None:
    def reply(body: dict[str, Any]) -> Any:
        if "max_tokens" in body:
            return _refusal(server, "Unsupported 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return _refusal(server, "Unsupported value: 'temperature' does not support 0.0")
        return complete("yes")

    server.reply = reply
    model = load_endpoint(server.url, "m", LoadOptions())

    assert model.answer(model.prepare([QUESTION])) == [Answer(text="yes")]
    assert server.bodies[-1]["max_completion_tokens"] == 11
    assert any("refused temperature 0" in note for note in model.info.notes)


def test_a_question_about_temperature_changes_nothing(server: Any) -> None:
    prompt = "Is the seed temperature raised?"
    server.reply = lambda body: _refusal(server, f"cannot parse {prompt}")
    model = load_endpoint(server.url, "m", LoadOptions())

    answers = model.answer(model.prepare([Request(Capability.GENERATE, (), prompt)]))

    assert answers == [Answer(error="HTTP 400")]
    assert len(server.bodies) == 1


def _refusal(server: Any, message: str) -> Any:
    return type(server.models)(400, {"error": {"message": message}})


def test_answers_cut_at_the_limit_are_counted(server: Any) -> None:
    finishes = iter(["length", "stop", "length"])
    server.reply = lambda body: complete("yes", next(finishes))
    model = load_endpoint(server.url, "m", LoadOptions())

    for prompt in "abc":
        model.answer(model.prepare([Request(Capability.GENERATE, (), prompt)]))

    assert "2 of 3 answers were cut at the length limit" in model.info.notes


@pytest.mark.parametrize(("per_image", "noticed"), [(0, True), (64, False)])
def test_a_server_that_drops_images_is_noticed(server: Any, per_image: int, noticed: bool) -> None:
    def reply(body: dict[str, Any]) -> Any:
        return complete("yes", tokens=9 + per_image * (len(body["messages"][0]["content"]) - 1))

    server.reply = reply
    model = load_endpoint(server.url, "m", LoadOptions())

    model.answer(model.prepare([QUESTION, Request(Capability.GENERATE, (), QUESTION.prompt)]))

    assert any("may drop images" in note for note in model.info.notes) is noticed


def test_what_cannot_be_sent_is_an_error_not_a_plain_question(server: Any) -> None:
    model = load_endpoint(server.url, "m", LoadOptions())
    chosen = Request(Capability.CHOOSE, (), "q", options=("a", "b"))
    masked = Request(Capability.GENERATE, (), "q", intervention="mask")

    answers = model.answer(model.prepare([chosen, masked]))

    assert answers == [Answer(error="a server cannot choose"), Answer(error="a server cannot mask")]
    assert model.info.capabilities == {Capability.GENERATE}
    assert server.bodies == []


def test_the_fingerprint_names_address_model_and_listing_only() -> None:
    url, now = httpx.URL("http://h:1/v1"), 1_800_000_000.0
    base = identity(url, "m", [{"id": "m", "created": 1_600_000_000}], now)

    assert (
        identity(httpx.URL("http://a:b@h:1/v1/?key=k"), "m", [{"id": "m", "created": 1_600_000_000}], now)
        == base
    )
    assert identity(url, "m", [{"id": "m", "created": 1_600_000_001}], now) != base
    assert identity(url, "n", [{"id": "m", "created": 1_600_000_000}], now) != base
    assert identity(httpx.URL("http://h:2/v1"), "m", [{"id": "m", "created": 1_600_000_000}], now) != base
    assert identity(url, "m", [{"id": "m", "created": 1_600_000_000, "owned_by": "x"}], now) != base
    # Stamps of the present moment say when the server was asked, not which model it has.
    fresh = [identity(url, "m", [{"id": "m", "created": now - ago}], now) for ago in (0, 60)]
    assert fresh[0] == fresh[1]


def test_a_query_in_the_address_is_sent_and_not_shown(server: Any) -> None:
    model = load_endpoint(f"{server.url}?api-version=7", "m", LoadOptions())

    assert model.answer(model.prepare([QUESTION])) == [Answer(text="yes")]
    assert "api-version" not in model.info.id


@pytest.mark.parametrize("url", ["ftp://host/v1", "http://", "host:8000/v1", "http://host:port/v1"])
def test_an_address_that_is_none_says_what_to_type(url: str) -> None:
    with pytest.raises(ModelError, match=r"Type endpoint:http://host:port/v1#model-name"):
        load_endpoint(url, "m", LoadOptions())


def test_a_served_oracle_scores_one(server: Any) -> None:
    cases = synthetic_cases(16, seed=4)
    known = {case.question + case.images[0].digest: case.answer for case in cases.cases}
    local = oracle(cases)

    def reply(body: dict[str, Any]) -> Any:
        image, text = body["messages"][0]["content"]
        raw = base64.b64decode(image["image_url"]["url"].split(",")[1])
        picture = ArrayImage(np.asarray(Image.open(io.BytesIO(raw))))
        return complete(known[text["text"].split("\n")[0] + picture.digest])

    server.reply = reply
    context = context_for(cases, load_endpoint(server.url, "m", LoadOptions()))

    answers = context.ask([context.request(case) for case in cases.cases])

    wanted = local.answer(local.prepare([context.request(case) for case in cases.cases]))
    assert answers == wanted
