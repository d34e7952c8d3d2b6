"""Messages for names that do not exist."""

from __future__ import annotations

from medaudit.errors import UsageError


def test_a_long_list_of_legal_names_is_cut_and_counted() -> None:
    names = [f"name_{number:03}" for number in range(100)]

    told = str(UsageError.unknown("shift", "name_99", names))

    assert "Did you mean 'name_099'?" in told
    assert told.endswith("name_039 and 60 more (medaudit list shifts).")


def test_a_short_list_is_whole() -> None:
    names = [f"name_{number:03}" for number in range(40)]

    assert str(UsageError.unknown("column", "x", names)).endswith("name_038, name_039.")
