from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit import registry
from medaudit.case import Case, CaseSet, SkippedLine
from medaudit.errors import DataError, UsageError
from medaudit.image import FileImage
from medaudit.readers import ReadOptions, load_cases


def test_the_four_readers_are_registered_and_described() -> None:
    readers = registry.available("reader")

    assert {"dicom", "folder", "labels", "vqa_rad"} <= set(readers)
    assert all(reader.describes.endswith(".") for reader in readers.values())


def test_importing_readers_loads_nothing_heavy() -> None:
    code = (
        "import sys, medaudit.readers; "
        "heavy = {'numpy', 'PIL', 'pydicom', 'pandas', 'torch'} & set(sys.modules); "
        "print(*heavy)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_ambiguity_names_the_candidates_and_the_way_out(
    dataset: Callable[..., Path], row: Callable[..., dict[str, Any]]
) -> None:
    root = dataset(row())
    (root / "metadata.csv").write_text("file,sex\na.png,f\nb.png,m\n")

    with pytest.raises(DataError) as caught:
        load_cases(root)

    assert "more than one reader recognises this: folder, labels" in str(caught.value)
    assert f"folder:{root}" in str(caught.value)
    assert load_cases(f"folder:{root}").reader == "folder"


def test_a_folder_that_nobody_knows_lists_what_readers_look_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    with pytest.raises(DataError) as caught:
        load_cases(tmp_path)

    for name in ("dicom:", "folder:", "labels:", "vqa_rad:"):
        assert name in str(caught.value)


@pytest.mark.parametrize("spec", ["no/such/place", "folder:no/such/place", "folder:", "", "a\0b"])
def test_a_missing_path_is_one_message(spec: str) -> None:
    with pytest.raises(DataError, match=r"no such file or folder|no usable path"):
        load_cases(spec)


def test_an_unknown_reader_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'folder'"):
        load_cases(f"foldr:{tmp_path}")


def test_forcing_a_reader_on_a_folder_without_its_data_says_what_is_missing(tmp_path: Path) -> None:
    for name, message in [
        ("folder", "neither cases.jsonl nor cases.csv"),
        ("labels", "no table metadata.csv"),
        ("vqa_rad", "no JSON list of VQA-RAD rows"),
        ("dicom", "no cases were found"),
    ]:
        with pytest.raises(DataError, match=message):
            load_cases(f"{name}:{tmp_path}")


def test_a_case_set_passes_through_with_its_limit(
    dataset: Callable[..., Path], row: Callable[..., dict[str, Any]]
) -> None:
    cases = load_cases(dataset(*(row(id=f"c{n}") for n in range(6))))

    assert load_cases(cases) is cases
    assert len(load_cases(cases, ReadOptions(limit=2))) == 2


def test_a_case_set_made_in_python_is_opened(tmp_path: Path, picture: Callable[..., Path]) -> None:
    images = [FileImage(picture(tmp_path / f"{n}.png", value)) for n, value in enumerate((10, 10, 200))]
    made = tuple(Case(f"c{n}", (image,), "Q?", "a") for n, image in enumerate(images))
    skipped = (SkippedLine("row 4", "was bad"),)

    cases = load_cases(CaseSet("mine", "python", made, public=True, skipped=skipped))

    # Two of the three pictures are the same.
    assert cases.groups == 2
    assert (cases.name, cases.reader, cases.public, cases.skipped) == ("mine", "python", True, skipped)


def test_a_case_set_made_in_python_tells_missing_images_at_once_and_after_the_limit(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    images = [FileImage(picture(tmp_path / "good.png")), FileImage(tmp_path / "none.png")]
    made = CaseSet("mine", "python", tuple(Case(i.path.stem, (i,), "Q?", "a") for i in images))
    good_first = next(seed for seed in range(50) if made.limited(1, seed).cases[0].id == "good")

    with pytest.raises(DataError, match=r"mine: case 'none': none\.png: no such image file"):
        load_cases(made)
    assert len(load_cases(made, ReadOptions(limit=1, seed=good_first))) == 1
    assert len(load_cases(made, ReadOptions(skip_bad=True)).skipped) == 1


def test_a_path_with_a_colon_in_it_is_a_path(
    dataset: Callable[..., Path], row: Callable[..., dict[str, Any]]
) -> None:
    root = dataset(row())
    odd = root.rename(root.with_name("labels:odd"))

    assert load_cases(str(odd)).reader == "folder"
    assert load_cases(odd).reader == "folder"


def test_a_third_party_reader_gets_limit_opening_and_groups(
    tmp_path: Path, picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"not an image")

    def read(path: Path, options: ReadOptions) -> CaseSet:
        """Cases from nowhere."""
        images = {name: FileImage(tmp_path / f"{name}.png") for name in ("good", "bad")}
        return CaseSet("x", "made", tuple(Case(name, (images[name],), "Q?", "a") for name in images))

    made = registry.Reader("made", lambda path: False, read, "Cases from nowhere.")
    monkeypatch.setattr(
        "medaudit.readers.loading.available", lambda kind: {"made": made} if kind == "reader" else {}
    )

    with pytest.raises(DataError, match=r"case 'bad': bad\.png"):
        load_cases(f"made:{tmp_path}")
    kept = load_cases(f"made:{tmp_path}", ReadOptions(skip_bad=True))
    assert (len(kept), len(kept.skipped)) == (1, 1)
    assert kept.cases[0].group.startswith("image-")


def test_phantom_specs_go_to_the_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    import medaudit.phantoms

    asked: list[tuple[str, int, int]] = []

    def case_set(name: str, n: int, seed: int) -> CaseSet:
        asked.append((name, n, seed))
        return CaseSet(name, "phantom", (Case("c", (), "Q?", "a"),))

    monkeypatch.setattr(medaudit.phantoms, "case_set", case_set, raising=False)

    load_cases("phantom:chest")
    load_cases("phantom:chest", ReadOptions(limit=12, seed=4))

    assert asked == [("chest", 240, 0), ("chest", 12, 4)]
