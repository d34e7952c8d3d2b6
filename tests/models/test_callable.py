"""Python models: what user code may be, what becomes of its failures, and what identifies it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, LoadOptions, OutOfMemory, Request
from medaudit.models import load_model
from medaudit.models.python_callable import CallableModel, load_python, wrap_callable
from medaudit.models.python_source import identity
from medaudit.testing import constant

NOT_NUMBERS = "choose returned a score that is not a number: give natural-log likelihoods, finite"
PIXELS = np.full((3, 5, 3), 200, dtype=np.uint8)
SOURCE = """
def make():
    def answer(images, prompt):
        return f"{len(images)} {prompt}"
    return answer

def make_nothing():
    return None

def broken():
    raise RuntimeError("no weights")

LIMIT = 3
"""


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    modules, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("medaudit_user_") or name == "usermodel":
            del sys.modules[name]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "usermodel.py"
    path.write_text(SOURCE)
    return path


def ask(model: Any, task: str = "generate", **fields: Any) -> Answer:
    request = Request(Capability(task), (ArrayImage(PIXELS),), "Is it?", **fields)
    answer: Answer = model.answer(model.prepare([request]))[0]
    return answer


def wrap(function: Any) -> CallableModel:
    return wrap_callable(function)


def test_a_file_and_its_factory_become_a_model(file: Path) -> None:
    model = load_python(f"{file}:make", LoadOptions())

    assert ask(model) == Answer(text="1 Is it?")
    assert model.info.id == f"python:{file}:make"
    assert model.info.capabilities == {Capability.GENERATE}
    assert any("not what it imports" in note for note in model.info.notes)


def test_a_module_on_the_path_works_as_a_file_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)

    assert ask(load_python("usermodel:make", LoadOptions())) == Answer(text="1 Is it?")


def test_a_file_can_import_its_neighbour(file: Path) -> None:
    (file.parent / "neighbour_of_usermodel.py").write_text("WORD = 'left'")
    file.write_text("import neighbour_of_usermodel as n\ndef make():\n    return lambda i, p: n.WORD\n")

    assert ask(load_python(f"{file}:make", LoadOptions())) == Answer(text="left")


def test_a_model_object_is_taken_as_it_is(file: Path) -> None:
    file.write_text("from medaudit.testing import constant\ndef make():\n    return constant('yes')\n")

    model = load_python(f"{file}:make", LoadOptions())

    assert model.info == constant("yes").info


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("usermodle.py:make", r"no such file. Did you mean 'usermodel.py'\?"),
        ("usermodel.py:mak", r"has no 'mak'. Did you mean 'make'\? It has: broken, make, make_nothing"),
        ("usermodel.py:LIMIT", "LIMIT is int, not a function"),
        ("usermodel.py:make_nothing", "returned NoneType; it must return"),
        ("usermodel.py:broken", r"the factory failed \(RuntimeError: no weights\)"),
        ("usermodel.py", "names no factory"),
        ("no_such_package_here.models:make", "no module 'no_such_package_here' on the path"),
    ],
)
def test_a_wrong_target_says_what_to_type(
    file: Path, target: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)

    with pytest.raises(ModelError, match=message):
        load_python(target, LoadOptions())


def test_a_syntax_error_names_its_line(file: Path) -> None:
    file.write_text("def make():\n    return 1 +\n")

    with pytest.raises(ModelError, match=r"syntax error in usermodel.py, line 2"):
        load_python(f"{file}:make", LoadOptions())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_package_here", "imports 'no_such_package_here', which is not installed"),
        ("1 / 0", r"does not import \(ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_import_says_why(file: Path, source: str, message: str) -> None:
    file.write_text(source)

    with pytest.raises(ModelError, match=message):
        load_python(f"{file}:make", LoadOptions())


def test_options_of_checkpoints_are_refused(file: Path) -> None:
    with pytest.raises(ModelError, match="--quantize works on local checkpoints only"):
        load_python(f"{file}:make", LoadOptions(quantize="4bit"))


def test_one_callable_after_another_can_be_loaded() -> None:
    texts = []
    for said in ("first", "second"):
        model = load_model(lambda images, prompt, said=said: said)
        texts.append(ask(model).text)

    assert texts == ["first", "second"]
    assert load_model(model) is model


def test_images_are_pillow_rgb_and_free_to_draw_on() -> None:
    seen = []

    def draw(images: Any, prompt: str) -> str:
        seen.append((images[0].mode, images[0].size, images[0].getpixel((4, 2))))
        images[0].putpixel((0, 0), (0, 0, 0))
        return "done"

    model = wrap(draw)

    assert ask(model) == ask(model) == Answer(text="done")
    assert seen == [("RGB", (5, 3), (200, 200, 200))] * 2
    assert (PIXELS == 200).all()


def test_failures_of_user_code_are_errors_never_text() -> None:
    def fail(images: Any, prompt: str) -> str:
        raise ValueError("bad weights")

    assert ask(wrap(fail)) == Answer(error="ValueError: bad weights")
    assert ask(wrap(lambda images, prompt: 7)) == Answer(error="the callable returned int, not str")
    assert ask(wrap(lambda images, prompt: None)) == Answer(error="the callable returned NoneType, not str")
    assert ask(wrap(lambda images, prompt: "")) == Answer(text="")


def test_an_error_can_be_cut_at_its_first_colon_to_the_type_alone() -> None:
    def burn(images: Any, prompt: str) -> str:
        raise RuntimeError(f"the weights are on fire: {prompt}")

    error = ask(wrap(burn)).error

    assert error == "RuntimeError: the weights are on fire: Is it?"
    assert error.split(":")[0] == "RuntimeError"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OutOfMemory])
def test_interruption_and_full_memory_pass_through(kind: type[BaseException]) -> None:
    def stop(images: Any, prompt: str) -> str:
        raise kind

    with pytest.raises(kind):
        ask(wrap(stop))


class Chooser:
    """Scores options by length."""

    def __init__(self, scores: Any = None) -> None:
        self.scores = scores

    def __call__(self, images: Any, prompt: str) -> str:
        return "free text"

    def choose(self, images: Any, prompt: str, options: list[str]) -> Any:
        return [-float(len(option)) for option in options] if self.scores is None else self.scores


def test_a_callable_with_choose_offers_it() -> None:
    model = wrap(Chooser())

    assert model.info.capabilities == {Capability.GENERATE, Capability.CHOOSE}
    assert ask(model, "choose", options=("yes", "maybe")) == Answer(scores=(-3.0, -5.0))
    assert ask(model) == Answer(text="free text")
    assert ask(wrap(lambda i, p: "x"), "choose", options=("a", "b")).error == "this callable cannot choose"


@pytest.mark.parametrize(
    ("scores", "error"),
    [
        ([1.0], "choose returned 1 numbers for 2 options"),
        ([math.nan, 0.0], NOT_NUMBERS),
        ([math.inf, 0.0], NOT_NUMBERS),
        ([-math.inf, 0.0], NOT_NUMBERS),
        (3, "choose returned int, not a list of numbers"),
        (["high", "low"], "choose returned list, not a list of numbers"),
    ],
)
def test_scores_that_are_none_are_errors(scores: Any, error: str) -> None:
    assert ask(wrap(Chooser(scores)), "choose", options=("yes", "no")) == Answer(error=error)


def test_an_all_but_impossible_option_has_a_very_low_score() -> None:
    answer = ask(wrap(Chooser([-1e9, 0.0])), "choose", options=("yes", "no"))

    assert answer.scores == (-1e9, 0.0)


def test_the_fingerprint_changes_with_the_file_and_only_with_it(file: Path) -> None:
    def load() -> str:
        return load_python(f"{file}:make", LoadOptions()).info.fingerprint

    first, again = load(), load()
    file.write_text(SOURCE + "\n# another byte\n")

    assert first == again
    assert load() != first


def test_the_fingerprint_is_that_of_the_bytes_wherever_the_file_lies(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "usermodel.py"
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())

    prints = {load_python(f"{path}:make", LoadOptions()).info.fingerprint for path in (file, copy)}

    assert len(prints) == 1


def threshold(limit: int) -> Any:
    def answer(images: Any, prompt: str) -> str:
        return str(limit)

    return answer


def test_callables_of_one_factory_differ_by_what_they_hold() -> None:
    assert identity(threshold(1))[0] == identity(threshold(1))[0] != identity(threshold(2))[0]
    assert identity(Chooser((1, 2)))[0] == identity(Chooser((1, 2)))[0]
    assert identity(partial(ask, 1))[0] != identity(partial(ask, 2))[0]
    assert identity(threshold)[0] != identity(ask)[0]


def test_a_stated_fingerprint_is_taken_at_its_word() -> None:
    one, two = Chooser(), Chooser()
    one.fingerprint = two.fingerprint = "weights-7"  # type: ignore[attr-defined]
    one.scores = [1.0]

    assert identity(one) == identity(two)
    two.fingerprint = "weights-8"  # type: ignore[attr-defined]
    assert identity(one)[0] != identity(two)[0]
    assert identity(one)[1] == ()


def test_code_without_a_file_is_known_by_its_byte_code() -> None:
    def define(constant: str) -> Any:
        scope: dict[str, Any] = {"__name__": "__console__"}
        exec(f"def f(images, prompt):\n    return (lambda: {constant!r})()\n", scope)
        return scope["f"]

    assert identity(define("yes"))[0] == identity(define("yes"))[0] != identity(define("no"))[0]
    assert "not on disk" in identity(define("yes"))[1][0]
