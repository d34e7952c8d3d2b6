from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medaudit.case import Region
from medaudit.errors import DataError
from medaudit.readers import ReadOptions, load_cases

HEADER = "id,images,question,options,answer,group,meta.sex,age,regions,patient_name"


@pytest.fixture
def table(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(*lines: str, header: str = HEADER) -> Path:
        picture(tmp_path / "a.png")
        picture(tmp_path / "b.png")
        (tmp_path / "cases.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8-sig")
        return tmp_path

    return write


def test_a_csv_row_is_the_same_case_as_its_json(table: Callable[..., Path]) -> None:
    regions = '"[{""label"": ""x"", ""box"": [0, 0, 2, 2]}]"'
    root = table(f'c1,a.png;b.png,"Where, then?",yes;no,no,p1,F,63,{regions},Canary')

    case = load_cases(root).cases[0]

    assert [image.name for image in case.images] == ["a.png", "b.png"]
    assert (case.question, case.options, case.answer) == ("Where, then?", ("yes", "no"), "no")
    assert (case.group, case.meta) == ("p1", {"sex": "F", "age": 63})
    assert case.regions == (Region("x", (0, 0, 2, 2)),)


def test_options_may_be_a_json_list_and_cells_may_be_empty(table: Callable[..., Path]) -> None:
    root = table(
        'c1,a.png,Q?,"[""a; b"", ""c""]",c,,,,,', "c2,a.png,Q?,,free text,,M,,,", "c3,a.png,Q?,,x,,M,7.5,,"
    )

    first, second, third = load_cases(root).cases

    assert first.options == ("a; b", "c")
    assert (second.options, second.regions, second.group) == ((), (), first.group)
    assert [case.meta["age"] for case in (first, second, third)] == [None, None, 7.5]


def test_a_name_column_never_reaches_the_cases(table: Callable[..., Path]) -> None:
    cases = load_cases(table("c1,a.png,Q?,,x,,M,7,,Canary"))

    assert "Canary" not in repr(cases)


def test_a_meta_column_is_no_way_round_the_identity_filter(table: Callable[..., Path]) -> None:
    root = table("c1,a.png,Q?,x,Canary,F", header="id,images,question,answer,meta.patient_name,meta.sex")

    assert load_cases(root).cases[0].meta == {"sex": "F"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c2,a.png,Q?,yes;no,maybe,,,,,", "not among the options"),
        ("c2,a.png,Q?", "3 cells where the header has 10"),
        ("c2,none.png,Q?,,x,,,,,", "no such image file"),
        ("c2,a.png,Q?,,x,,,,[1,2],", "11 cells where"),
        ('c2,a.png,Q?,,x,,,,"[1,",', "'regions': not JSON"),
        ("c2,,Q?,,x,,,,,", "'images' is empty"),
        ("c1,a.png,Q?,,x,,,,,", "was given before"),
    ],
)
def test_a_bad_row_names_the_line_it_begins_on(line: str, message: str, table: Callable[..., Path]) -> None:
    root = table('c1,a.png,"two\nlines?",,x,,,,,', line)

    with pytest.raises(DataError) as caught:
        load_cases(root)
    kept = load_cases(root, ReadOptions(skip_bad=True))

    assert str(caught.value).startswith("cases.csv:4: ")
    assert message in str(caught.value)
    assert (len(kept), kept.skipped[0].where) == (1, "cases.csv:4")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,images,question", "no column 'answer'"),
        ("id,id,images,question,answer", "two columns have the same name"),
    ],
)
def test_a_bad_header_is_one_message(header: str, message: str, table: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=message):
        load_cases(table(header=header))


def test_a_table_that_is_not_text_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_bytes(b"id,images\xff\n")
    with pytest.raises(DataError, match="UTF-8"):
        load_cases(tmp_path)

    (tmp_path / "cases.csv").write_bytes(b'id,images,question,answer\nc1,"a" b,c,d\n')
    with pytest.raises(DataError, match=r"cases\.csv:2: not CSV"):
        load_cases(tmp_path)

    (tmp_path / "cases.csv").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        load_cases(tmp_path)
