"""docs/teaching.md holds the tables of goals and of levels as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.teaching import goals, quiz

PAGE = Path(__file__).parents[2] / "docs" / "teaching.md"


@pytest.mark.parametrize(("part", "table"), [("goals", goals.table), ("levels", quiz.table)])
def test_tables_are_those_of_the_program(part: str, table: object) -> None:
    """Mend the page with what the test says."""
    found = re.search(
        rf"<!-- {part} -->\n(.*?)<!-- /{part} -->", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found is not None
    assert found[1] == table()  # type: ignore[operator]
