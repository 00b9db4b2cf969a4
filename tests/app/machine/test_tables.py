"""Cells of text, aligned in columns."""

from app.machine.tables import aligned


def test_each_column_is_aligned_to_its_side() -> None:
    rows = [("train", "32,000", "a"), ("long", "7", "bcd")]
    assert aligned(rows, "<><", ("Split", "Pairs", "Kind")) == [
        "Split   Pairs  Kind",
        "train  32,000  a",
        "long        7  bcd",
    ]
    assert aligned(rows, ">><") == [
        "train  32,000  a",
        " long       7  bcd",
    ]


def test_a_row_may_end_early_and_a_table_may_be_empty() -> None:
    rows = [("a", "1", "x"), ("b",), ("c", "22")]
    assert aligned(rows, "<><") == ["a   1  x", "b", "c  22"]
    assert aligned([], "<>") == []
    assert aligned([], "<>", ("a", "b")) == ["a  b"]


def test_cells_are_shown_as_they_are_and_never_broken() -> None:
    long = "word " * 200 + "end"
    rows = [("[bold]x[/bold]", long), (":smile:", "[red]")]
    assert aligned(rows, "<<", ("[dim]", "b")) == [
        "[dim]           b",
        f"[bold]x[/bold]  {long}",
        ":smile:         [red]",
    ]


def test_wide_characters_take_two_places() -> None:
    assert aligned([("東京", "1"), ("Oslo", "2")], "<>") == [
        "東京  1",
        "Oslo  2",
    ]
