from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medaudit.errors import DataError, UsageError
from medaudit.readers import ReadOptions, load_cases
from medaudit.readers.identity import group_column, identifying
from medaudit.readers.tables import typed

TABLE = """file,patient_id,patient_name,view_position,age,oedema,note,dose,split
images/0.png,MRN-9,Canary A,AP,40,1,Canary coughs,0.5,train
images/1.png,MRN-9,Canary A,PA,unknown,0,Canary rests,inf,test
images/2.png,MRN-5,Canary B,AP,61,0,Canary sleeps,1.5,test
images/3.png,MRN-7,Canary C,,70,1,Canary walks,2,test
"""


@pytest.fixture
def labelled(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(table: str = TABLE, images: int = 4, name: str = "metadata.csv") -> Path:
        for n in range(images):
            picture(tmp_path / "images" / f"{n}.png", 20 * n)
        (tmp_path / name).write_text(table, encoding="utf-8")
        return tmp_path

    return write


def test_labels_become_closed_questions(labelled: Callable[..., Path]) -> None:
    cases = load_cases(labelled())

    by_id = {case.id: case for case in cases.cases}
    view, oedema = by_id["images/1.png:view_position"], by_id["images/0.png:oedema"]
    assert (cases.reader, len(cases), cases.skipped, cases.public) == ("labels", 3 + 4, (), False)
    assert (view.question, view.options, view.answer) == ("What is the view position?", ("AP", "PA"), "PA")
    assert (oedema.question, oedema.options, oedema.answer) == ("Is there oedema?", ("yes", "no"), "yes")
    assert view.split == "test"


def test_the_other_columns_describe_the_case_and_identity_stays_out(labelled: Callable[..., Path]) -> None:
    cases = load_cases(labelled())

    by_id = {case.id: case for case in cases.cases}
    assert by_id["images/1.png:view_position"].meta == {"age": None, "oedema": 0, "dose": None}
    assert by_id["images/2.png:oedema"].meta == {"age": 61, "view_position": "AP", "dose": 1.5}
    assert [by_id[f"images/{n}.png:oedema"].group for n in range(4)] == [
        "patient-1",
        "patient-1",
        "patient-2",
        "patient-3",
    ]
    assert "Canary" not in repr(cases)
    assert "MRN" not in repr(cases)


def test_label_and_question_can_be_chosen(labelled: Callable[..., Path]) -> None:
    options = ReadOptions(label=("view_position",), question="Name the {label}.")

    cases = load_cases(labelled(), options)

    assert {case.question for case in cases.cases} == {"Name the view position."}
    assert len(cases) == 3


def test_a_named_numeric_label_is_asked_as_a_choice(labelled: Callable[..., Path]) -> None:
    case = load_cases(labelled(), ReadOptions(label=("age",))).cases[0]

    assert (case.question, case.options, case.answer) == ("What is the age?", ("40", "61", "70"), "40")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (ReadOptions(label=("veiw_position",)), UsageError, "Did you mean 'view_position'"),
        (ReadOptions(group="patient"), UsageError, "Did you mean 'patient_id'"),
        (ReadOptions(label=("split",), question="{x}?"), DataError, "no other braces"),
        (ReadOptions(question="What is shown?"), DataError, "name one label"),
        (ReadOptions(table="none.csv"), DataError, "no table none.csv"),
    ],
)
def test_wrong_options_say_what_is_legal(
    options: ReadOptions, error: type[Exception], message: str, labelled: Callable[..., Path]
) -> None:
    with pytest.raises(error, match=message):
        load_cases(f"labels:{labelled()}", options)


def test_a_label_of_nine_values_is_refused(labelled: Callable[..., Path]) -> None:
    rows = "".join(f"images/{n}.png,v{n}\n" for n in range(9))

    with pytest.raises(DataError, match="9 distinct values"):
        load_cases(labelled("file,kind\n" + rows, images=9), ReadOptions(label=("kind",)))


def test_a_table_without_labels_is_refused(labelled: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="no label column"):
        load_cases(labelled("file,age\nimages/0.png,3\nimages/1.png,4\n"))


def test_missing_files_are_listed_in_one_message(labelled: Callable[..., Path]) -> None:
    root = labelled(images=2)

    with pytest.raises(DataError) as caught:
        load_cases(root)
    kept = load_cases(root, ReadOptions(skip_bad=True))

    assert str(caught.value).startswith("2 of 4 image files cannot be used.")
    assert "metadata.csv:4: 2.png: no such image file" in str(caught.value)
    assert "3.png" in str(caught.value)
    assert [skipped.where for skipped in kept.skipped] == ["metadata.csv:4", "metadata.csv:5"]
    assert {case.id.split(":")[0] for case in kept.cases} == {"images/0.png", "images/1.png"}


def test_names_without_folder_are_found_in_images(labelled: Callable[..., Path]) -> None:
    cases = load_cases(labelled("filename,sex\n0.png,f\n1.png,m\n2.png,m\n"))

    assert [case.id for case in cases.cases] == ["0.png:sex", "1.png:sex", "2.png:sex"]


def test_a_path_that_climbs_is_refused(labelled: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="leaves the data folder"):
        load_cases(labelled("file,sex\n../images/0.png,f\nimages/1.png,m\nimages/2.png,m\n"))


def test_a_file_listed_twice_is_refused(labelled: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"metadata\.csv:4: id 'images/0\.png:sex' was given before"):
        load_cases(labelled("file,sex\nimages/0.png,f\nimages/1.png,m\nimages/0.png,f\n"))


def test_another_table_can_be_named_or_given_directly(labelled: Callable[..., Path]) -> None:
    root = labelled("image,sex\nimages/0.png,f\nimages/1.png,m\nimages/2.png,m\n", name="sexes.csv")

    named = load_cases(f"labels:{root}", ReadOptions(table="sexes.csv"))
    direct = load_cases(root / "sexes.csv")

    assert [case.id for case in named.cases] == [case.id for case in direct.cases]


@pytest.mark.parametrize(
    "column", ["name", "Patient Name", "MRN", "patientId", "date_of_birth", "StudyDate", "image_id", "e-mail"]
)
def test_identifying_columns_are_recognised(column: str) -> None:
    assert identifying(column)


@pytest.mark.parametrize("column", ["age", "Patient Age", "sex", "View Position", "hospital", "diagnosis"])
def test_describing_columns_are_not_taken_for_identity(column: str) -> None:
    assert not identifying(column)


def test_the_patient_column_is_preferred_as_group() -> None:
    assert group_column(("file", "image_group", "PatientID")) == "PatientID"
    assert group_column(("file", "image_group")) == "image_group"
    assert group_column(("file", "Patient Age")) is None


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "", "2"], [1, None, 2]),
        (["1", "2.5", "nan"], [1, 2.5, None]),
        (["1", "331a"], ["1", "331a"]),
        (["True", "false", "NA"], [True, False, None]),
        (["inf", "3"], [None, 3]),
        (["", "unknown"], [None, None]),
    ],
)
def test_columns_are_typed_as_a_whole(cells: list[str], values: list[object]) -> None:
    assert typed(cells) == values
