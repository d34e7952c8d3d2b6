"""The endpoint against a server that fails in every way we know: text is text, an error is an error."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, LoadOptions, Request
from medaudit.models.endpoint import EndpointModel, load_endpoint
from medaudit.models.endpoint_wire import Patience, retry_after_s

QUICK = Patience(attempts=4, first_wait_s=1.0, longest_wait_s=3.0, longest_retry_after_s=5.0)


@dataclass
class Clock:
    """Sleeps that are noted, not slept."""

    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def load(server: Any, clock: Clock, timeout_s: float = 5.0, **extra: Any) -> EndpointModel:
    options = LoadOptions(timeout_s=timeout_s, extra=extra)
    return load_endpoint(server.url, "m", options, patience=QUICK, sleep=clock)


def ask(model: EndpointModel, *prompts: str, **fields: Any) -> list[Answer]:
    requests = [Request(Capability.GENERATE, (), prompt, **fields) for prompt in prompts]
    return model.answer(model.prepare(requests))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_too_many_requests_waits_as_long_as_the_server_says(server: Any, clock: Clock, step: Any) -> None:
    server.programme = [step(429, headers={"Retry-After": "2"}), step(429, headers={"Retry-After": "900"})]

    answers = ask(load(server, clock), "q")

    assert answers == [Answer(text="yes")]
    assert clock.slept == [2.0, 5.0]


def test_server_errors_back_off_exponentially_up_to_a_cap(server: Any, clock: Clock, step: Any) -> None:
    server.programme = [step(500), step(503), step(502)]

    answers = ask(load(server, clock), "q")

    assert answers == [Answer(text="yes")]
    assert clock.slept == [1.0, 2.0, 3.0]


def test_a_server_that_never_recovers_gives_an_error_and_no_text(
    server: Any, clock: Clock, step: Any
) -> None:
    server.reply = lambda body: step(503, body="the model says yes")

    answers = ask(load(server, clock), "q")

    assert answers == [Answer(error="HTTP 503 (4 attempts)")]
    assert len(server.bodies) == 4


def test_dropped_connection_and_half_a_reply_are_tried_again(server: Any, clock: Clock, step: Any) -> None:
    server.programme = [step(hang_up=True), step(keep=20), step(body='{"choices": [{"mess')]

    answers = ask(load(server, clock), "q")

    assert answers == [Answer(text="yes")]
    assert len(server.bodies) == 4


def test_half_replies_for_ever_are_an_error(server: Any, clock: Clock, step: Any) -> None:
    server.reply = lambda body: step(keep=20)

    answers = ask(load(server, clock), "q")

    assert answers[0].text is None
    assert answers[0].error == "the connection broke (RemoteProtocolError) (4 attempts)"


def test_silence_is_an_error_and_is_not_waited_for_again(server: Any, clock: Clock, step: Any) -> None:
    model = load(server, clock, timeout_s=0.1)
    server.reply = lambda body: step(wait_s=30)

    first, second = ask(model, "q")[0], ask(model, "r")[0]
    server.reply = lambda body: step()
    third = ask(model, "s")[0]

    assert first.error == "no reply within 0.1 s (4 attempts)"
    assert second.error == "no reply within 0.1 s (1 attempt)"
    assert third == Answer(text="yes")


def test_a_reply_that_drips_for_ever_is_cut_off(server: Any, clock: Clock, step: Any) -> None:
    model = load(server, clock, timeout_s=0.3)
    server.reply = lambda body: step(drip_s=0.05)

    answers = ask(model, "q")

    assert answers[0].error == "no whole reply within 0.3 s (4 attempts)"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<html>gateway</html>", "a reply that is not JSON (4 attempts)"),
        ({"choices": []}, "a reply without choices"),
        ({"error": "overloaded"}, "a reply without choices"),
        (["yes"], "a reply without choices"),
        ({"choices": [{"message": None}]}, "a reply without choices"),
        ({"choices": ["yes"]}, "a reply without choices"),
        (
            {"choices": [{"message": {"content": None}, "finish_reason": "length"}]},
            "a reply without text (finish_reason: length)",
        ),
        (
            {"choices": [{"message": {"content": 7}, "finish_reason": "a b"}]},
            "a reply without text (finish_reason: not given)",
        ),
    ],
)
def test_garbage_with_status_200_is_an_error(
    server: Any, clock: Clock, step: Any, body: Any, error: str
) -> None:
    server.reply = lambda _: step(body=body)

    answers = ask(load(server, clock), "q")

    assert answers == [Answer(error=error)]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": ""}, ""),
        ({"content": " no \n"}, "no"),
        ({"content": [{"type": "text", "text": "le"}, {"type": "text", "text": "ft"}]}, "left"),
        ({"content": None, "refusal": "I can't help with that."}, "I can't help with that."),
    ],
)
def test_text_in_its_usual_forms_is_text(
    server: Any, clock: Clock, step: Any, message: dict[str, Any], text: str
) -> None:
    server.reply = lambda _: step(body={"choices": [{"message": message}]})

    assert ask(load(server, clock), "q") == [Answer(text=text)]


def test_one_bad_request_in_a_batch_leaves_the_others_alone(server: Any, clock: Clock, step: Any) -> None:
    def reply(body: dict[str, Any]) -> Any:
        asked = body["messages"][0]["content"][-1]["text"]
        return step(400, {"error": {"message": "context too long"}}) if asked == "bad" else step()

    server.reply = reply

    answers = ask(load(server, clock), "good", "bad", "fine")

    assert answers == [Answer(text="yes"), Answer(error="HTTP 400: context too long"), Answer(text="yes")]


def test_a_server_that_repeats_the_question_is_not_quoted(server: Any, clock: Clock, step: Any) -> None:
    secret = "Has Zacharias Quux, 12.03.1950, an effusion?"
    server.reply = lambda _: step(422, {"detail": f"cannot parse: {secret}"})

    answers = ask(load(server, clock), secret)

    assert answers == [Answer(error="HTTP 422")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once_and_is_never_shown(
    server: Any, clock: Clock, step: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAUDIT_API_KEY", "sk-very-secret")
    model = load(server, clock)
    server.reply = lambda _: step(status, {"error": {"message": "bad key sk-very-secret"}})

    with pytest.raises(ModelError, match="MEDAUDIT_API_KEY") as caught:
        ask(model, "q")

    assert "sk-very-secret" not in str(caught.value)
    assert len(server.bodies) == 1
    assert clock.slept == []


def test_an_unknown_model_names_the_nearest(server: Any, clock: Clock, step: Any) -> None:
    server.models = step(body={"data": [{"id": "llava-med"}, {"id": "qwen"}]})
    server.reply = lambda _: step(404, {"error": {"message": "no such model"}})
    model = load_endpoint(server.url, "llava-mad", LoadOptions(), patience=QUICK, sleep=clock)

    with pytest.raises(ModelError, match=r"Did you mean 'llava-med'\? It lists: llava-med, qwen"):
        ask(model, "q")


def test_a_refusal_that_names_the_model_stops_before_any_answer(server: Any, clock: Clock, step: Any) -> None:
    server.reply = lambda _: step(400, {"detail": "Server is pinned to 'x'; requested 'm'."})

    with pytest.raises(ModelError, match=r"refuses 'm' \(HTTP 400\): Server is pinned"):
        ask(load(server, clock), "q")


def test_nothing_at_the_address_says_what_was_tried() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"

        with pytest.raises(ModelError, match=r"Nothing answers at .*GET .*/v1/models gave no connection"):
            load_endpoint(url, "m", LoadOptions(timeout_s=1), patience=QUICK, sleep=Clock())


def test_a_wrong_path_says_to_type_the_address_up_to_v1(server: Any, clock: Clock) -> None:
    with pytest.raises(ModelError, match=r"HTTP 404.*up to /v1"):
        load_endpoint(server.url.removesuffix("/v1"), "m", LoadOptions(), patience=QUICK, sleep=clock)


def test_a_redirect_is_not_followed(server: Any, clock: Clock, step: Any) -> None:
    server.models = step(307, headers={"Location": "http://127.0.0.1:9/v1/models"})

    with pytest.raises(ModelError, match="HTTP 307"):
        load(server, clock)


def test_a_server_that_cannot_list_models_can_be_asked(server: Any, clock: Clock, step: Any) -> None:
    server.models = step(500)
    model = load(server, clock)

    assert ask(model, "q") == [Answer(text="yes")]
    assert "does not list its models: HTTP 500" in model.info.notes[0]


def test_proxies_of_the_environment_are_not_used(
    server: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert ask(load(server, clock), "q") == [Answer(text="yes")]


def test_options_of_local_checkpoints_are_refused(server: Any) -> None:
    with pytest.raises(ModelError, match="--adapter works on local checkpoints only"):
        load_endpoint(server.url, "m", LoadOptions(adapter="lora"))


def test_retry_after_reads_numbers_and_dates() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

    assert retry_after_s("7") == 7.0
    assert retry_after_s("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30.0
    for useless in (None, "soon", "-3", "inf", "nan", "Thu, 01 Jan 2026 11:00:00 GMT"):
        assert retry_after_s(useless, now) is None


def test_a_blank_picture_is_sent_too(server: Any, clock: Clock) -> None:
    model = load(server, clock)
    blank = ArrayImage(np.zeros((1, 1, 3), np.uint8))

    model.answer(model.prepare([Request(Capability.GENERATE, (blank,), "q")]))

    assert [item["type"] for item in server.bodies[0]["messages"][0]["content"]] == ["image_url", "text"]
