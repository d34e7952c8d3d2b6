"""``ask``: duplicates, order, resuming, memory."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medaudit.engine import Engine
from medaudit.errors import ModelError
from medaudit.model import Answer
from medaudit.store import Store


@pytest.fixture
def store():
    with Store(":memory:") as opened:
        yield opened


def test_equal_requests_are_asked_once_and_answered_in_order(model, store, request_for) -> None:
    requests = [request_for("b"), request_for("a"), request_for("b")]

    answers = Engine(model, store).ask(requests)

    assert [answer.text for answer in answers] == ["b", "a", "b"]
    assert sorted(request.prompt for request in model.asked) == ["a", "b"]


def test_a_replicate_is_asked_again(model, store, request_for) -> None:
    Engine(model, store).ask([request_for("a"), request_for("a", replicate=1), request_for("a")])

    assert len(model.asked) == 2


def test_alone_means_a_batch_of_its_own(model, store, request_for) -> None:
    requests = [request_for(str(n)) for n in range(6)]
    lonely = [request_for(str(n), replicate=1, alone=True) for n in range(3)]

    Engine(model, store, batch_size=4).ask(requests + lonely)

    sizes = [len(batch) for batch in model.batches if batch[0].alone]
    assert sizes == [1, 1, 1]


def test_a_second_run_asks_nothing(make_model, store, request_for) -> None:
    requests = [request_for(str(n), n) for n in range(20)]
    first, second = make_model(), make_model()

    before = Engine(first, store).ask(requests)
    after = Engine(second, store).ask(requests)

    assert before == after
    assert second.batches == []
    assert second.prepared == 0


def test_another_image_is_another_request(model, store, request_for) -> None:
    Engine(model, store).ask([request_for("a", 1), request_for("a", 2)])

    assert len(model.asked) == 2


def test_out_of_memory_halves_the_batch_and_loses_nothing(make_model, store, request_for) -> None:
    small = make_model(fits=3)
    requests = [request_for(f"{n:03d}") for n in range(40)]

    answers = Engine(small, store, batch_size=16).ask(requests)

    assert [answer.text for answer in answers] == [f"{n:03d}"[::-1] for n in range(40)]
    assert max(len(batch) for batch in small.batches) <= 3
    assert len(small.asked) == 40


def test_only_one_thread_prepares_even_when_memory_runs_out(make_model, store, request_for) -> None:
    threads: set[str] = set()

    class Watchful(make_model):
        def prepare(self, requests):
            threads.add(threading.current_thread().name)
            return super().prepare(requests)

    Engine(Watchful(fits=2), store, batch_size=8).ask([request_for(str(n), n) for n in range(32)])

    assert len(threads) == 1


def test_a_model_may_prepare_nothing(make_model, store, request_for) -> None:
    class Bare(make_model):
        def prepare(self, requests):
            return None

        def answer(self, prepared):
            return [Answer(text="x")]

    assert Engine(Bare(), store).ask([request_for("a")])[0].text == "x"


def test_half_a_character_does_not_break_the_store(make_model, store, request_for) -> None:
    odd = make_model(reply=lambda request: Answer(text="yes \ud83d"))

    assert Engine(odd, store).ask([request_for("a")])[0].text == "yes ?"
    assert len(store) == 1


def test_out_of_memory_with_one_case_says_what_to_do(make_model, store, request_for) -> None:
    with pytest.raises(ModelError, match="--dtype"):
        Engine(make_model(fits=0), store).ask([request_for("a")])


def test_an_error_is_not_stored_and_is_asked_again(make_model, store, request_for) -> None:
    failing = make_model(reply=lambda request: Answer(error="time-out"))
    engine = Engine(failing, store)
    assert engine.ask([request_for("a")])[0].error == "time-out"
    assert engine.failed

    healthy = make_model()
    answers = Engine(healthy, store).ask([request_for("a")])

    assert answers[0].text == "a"


def test_a_crash_keeps_every_finished_batch(make_model, store, request_for) -> None:
    requests = [request_for(f"{n:02d}", n) for n in range(20)]
    seen: list[str] = []

    def die_late(request):
        seen.append(request.prompt)
        if len(seen) > 12:
            raise KeyboardInterrupt
        return Answer(text="x")

    with pytest.raises(KeyboardInterrupt):
        Engine(make_model(reply=die_late), store, batch_size=4).ask(requests)
    assert len(store) == 12

    again = make_model()
    Engine(again, store, batch_size=4).ask(requests)
    assert len(again.asked) == 8
    # The resumed batches are those that the first run would have formed.
    whole = make_model()
    with Store(":memory:") as empty:
        Engine(whole, empty, batch_size=4).ask(requests)
    assert again.batches == whole.batches[3:]


def test_a_model_that_loses_answers_is_refused(make_model, store, request_for) -> None:
    class Lossy(make_model):
        def answer(self, prepared):
            return super().answer(prepared)[:-1]

    with pytest.raises(ModelError, match="2 requests gave 1 answers"):
        Engine(Lossy(), store).ask([request_for("a"), request_for("b")])


@given(prompts=st.lists(st.text(min_size=1, max_size=5), max_size=30), size=st.integers(1, 8))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_list_comes_back_in_order_at_any_batch_size(make_model, request_for, prompts, size) -> None:
    with Store(":memory:") as store:
        model = make_model()
        answers = Engine(model, store, batch_size=size).ask([request_for(prompt) for prompt in prompts])

    assert [answer.text for answer in answers] == [prompt[::-1] for prompt in prompts]
    assert len(model.asked) == len(set(prompts))


def test_a_store_survives_its_process(tmp_path: Path, model, request_for) -> None:
    with Store(tmp_path / "a.sqlite") as store:
        Engine(model, store).ask([request_for("abc")])
    with Store(tmp_path / "a.sqlite") as store:
        assert len(store) == 1
