"""The user's own files: two side by side, or a table."""

import gzip
import hashlib
from itertools import chain
from pathlib import Path

import pytest

from data import Corpus, GlimpseError, Places, load_corpus

LINES = [
    (f"The cat has {place % 97} mice.", f"Le chat a {place} souris.")
    for place in range(300)
]


def write(path: Path, lines: list[str], end: str = "\n") -> str:
    content = "".join(f"{line}{end}" for line in lines).encode()
    packed = path.suffix == ".gz"
    path.write_bytes(gzip.compress(content) if packed else content)
    return str(path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[str, str]:
    return (
        write(tmp_path / "a.en", [source for source, _ in LINES]),
        write(tmp_path / "a.fr.gz", [target for _, target in LINES]),
    )


def load(train: object, **choices: object) -> Corpus:
    return load_corpus("parallel_text", train=train, **choices)  # type: ignore[arg-type]


def test_given_splits_are_read_in_order(both: tuple[str, str]) -> None:
    corpus = load(both, validation=both, test=both)
    assert corpus.splits == ("train", "validation", "test")
    for split in corpus.splits:
        assert list(corpus.pairs(split)) == LINES
        assert corpus.size(split) == 300
        # Line by line: what is the same source twice stays two sentences.
        assert len(corpus.examples(split)) == 300
    assert corpus.sample() == LINES
    with pytest.raises(GlimpseError, match="no split 'tset'"):
        next(corpus.pairs("tset"))


def test_splits_are_taken_without_a_leak(both: tuple[str, str]) -> None:
    corpus = load(both)
    found = {split: list(corpus.pairs(split)) for split in corpus.splits}
    # 97 different sources: a twentieth of them to each split.
    sources = {split: {one for one, _ in found[split]} for split in found}
    in_order = sorted(
        {source for source, _ in LINES},
        key=lambda text: hashlib.sha256(text.encode()).digest(),
    )
    assert sources["validation"] == set(in_order[:4])
    assert sources["test"] == set(in_order[4:8])
    assert len(set().union(*sources.values())) == sum(
        map(len, sources.values())
    )
    assert sorted(chain(*found.values())) == sorted(LINES)
    assert corpus.sample() == found["train"]
    (example,) = (
        each
        for each in corpus.examples("test")
        if each.source == found["test"][0][0]
    )
    assert len(example.references) in (3, 4)
    assert load(both, held_out=2).size("test") in (6, 7, 8)
    only_test = load(both, validation=both)
    assert only_test.splits == ("train", "validation", "test")
    assert only_test.size("validation") == 300


def test_a_sentence_keeps_its_split_when_it_comes_again(
    both: tuple[str, str], tmp_path: Path
) -> None:
    doubled = [
        write(tmp_path / f"b.{side}", [pair[side] for pair in LINES * 2])
        for side in (0, 1)
    ]
    once, twice = load(both), load(doubled)
    for split in ("validation", "test"):
        assert set(once.pairs(split)) == set(twice.pairs(split))


def test_a_held_out_source_without_a_target_stays_to_be_counted(
    tmp_path: Path,
) -> None:
    lines = [*LINES, *((source, "") for source, _ in LINES)]
    names = [
        write(tmp_path / f"d{side}", [pair[side] for pair in lines])
        for side in (0, 1)
    ]
    corpus = load(names)
    assert sum(not target for _, target in corpus.pairs("train")) == 300
    for split in ("validation", "test"):
        assert all(target for _, target in corpus.pairs(split))


def test_another_text_has_another_fingerprint(
    both: tuple[str, str], tmp_path: Path
) -> None:
    before = load(both).fingerprint()
    assert load(both, validation=both).fingerprint() == before
    unpacked = write(tmp_path / "c.fr", [target for _, target in LINES])
    assert load((both[0], unpacked)).fingerprint() == before
    Path(unpacked).write_bytes(Path(unpacked).read_bytes()[:-2] + b"!\n")
    assert load((both[0], unpacked)).fingerprint() != before


@pytest.mark.parametrize("given", [True, False])
def test_every_split_has_a_sample_of_its_own(
    given: bool, both: tuple[str, str], tmp_path: Path
) -> None:
    other = [
        write(tmp_path / f"v.{side}", ["A b c.", f"{side} d."]) for side in "ef"
    ]
    corpus = load(both, validation=other, test=other) if given else load(both)
    for split in corpus.splits:
        assert corpus.sample(split) == list(corpus.pairs(split))
    assert not given or corpus.sample("test")[1] == ("e d.", "f d.")
    with pytest.raises(GlimpseError, match="no split 'tset'"):
        corpus.sample("tset")


def test_what_is_held_out_is_taken_from_beyond_the_sample(
    both: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.corpora.parallel_text.SAMPLE_SIZE", 150)
    corpus = load(both)
    held = {
        source
        for split in ("validation", "test")
        for source, _ in corpus.pairs(split)
    }
    assert len(corpus.sample()) < 150
    assert not held & {source for source, _ in corpus.pairs("train")}
    assert all(pair in LINES for pair in corpus.pairs("validation"))


def test_tables_of_two_columns_or_three(tmp_path: Path) -> None:
    two = write(tmp_path / "a.tsv", [f"{s}\t{t}" for s, t in LINES], "\r\n")
    three = write(tmp_path / "b.tsv", [f"{s}\t{t}\tme" for s, t in LINES])
    for name in (two, three):
        corpus = load([name], validation=[name], test=[name])
        assert list(corpus.pairs("train")) == LINES
        assert corpus.sample() == LINES


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_tables_as_tatoeba_exports_them(
    tmp_path: Path, mark: str, quote: str
) -> None:
    lines = [
        "\t".join(f"{quote}{each}{quote}" for each in line)
        for line in (
            (100 + place, s, 90 * place, t)
            for place, (s, t) in enumerate(LINES)
        )
    ]
    lines[0] = mark + lines[0]
    name = write(tmp_path / "a.tsv", lines)
    corpus = load([name], validation=[name], test=[name])
    assert list(corpus.pairs("train")) == LINES
    assert corpus.sample() == LINES


def test_a_blank_line_first_says_nothing_of_the_columns(tmp_path: Path) -> None:
    name = write(tmp_path / "a.tsv", ["", *(f"{s}\t{t}\tme" for s, t in LINES)])
    corpus = load([name], validation=[name], test=[name])
    assert list(corpus.pairs("train")) == [("", ""), *LINES]
    blank = write(tmp_path / "b.tsv", ["", " "])
    corpus = load([name], validation=[blank], test=[name])
    assert list(corpus.pairs("validation")) == [("", "")] * 2


@pytest.mark.parametrize("table", [True, False])
def test_a_spreadsheet_gives_the_sentences(tmp_path: Path, table: bool) -> None:
    pairs = [(f'{s} "{s}"', f'"{t}" — {t}') for s, t in LINES]
    cells = [
        ['"{}"'.format(each.replace('"', '""')) for each in pair]
        for pair in pairs
    ]
    if table:
        names = [
            write(tmp_path / "a.tsv", ["\t".join(c) for c in cells], "\r\n")
        ]
    else:
        names = [
            write(tmp_path / f"a{side}.gz", [c[side] for c in cells], "\r")
            for side in (0, 1)
        ]
    corpus = load(names, validation=names, test=names)
    assert list(corpus.pairs("train")) == pairs
    assert corpus.sample() == pairs


def test_a_sample_of_a_spreadsheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.corpora.parallel_text.SAMPLE_SIZE", 150)
    cells = [f'"{s} ""1"""\t{t}' for s, t in LINES]
    name = write(tmp_path / "a.tsv", cells)
    corpus = load([name], validation=[name], test=[name])
    assert corpus.sample() == [(f'{s} "1"', t) for s, t in LINES[::2]]


@pytest.mark.parametrize("option", ["train", "validation", "test"])
def test_a_name_by_itself_is_one_table(tmp_path: Path, option: str) -> None:
    name = write(tmp_path / "a.tsv", [f"{s}\t{t}" for s, t in LINES])
    given = {split: [name] for split in ("train", "validation", "test")}
    corpus = load(**{**given, option: name})
    assert list(corpus.pairs(option)) == LINES


@pytest.mark.parametrize("name", ["my.en,my.fr", "my.en, my.fr", "my.en my.fr"])
@pytest.mark.parametrize("option", ["train", "validation", "test"])
def test_two_names_in_one_show_the_brackets(
    both: tuple[str, str], name: str, option: str
) -> None:
    with pytest.raises(GlimpseError) as caught:
        load(**{"train": both, option: [name]})
    assert f"There is no file {name} here" in str(caught.value)
    assert f"--set 'corpus.{option}=[my.en, my.fr]'" in str(caught.value)


def test_a_name_with_a_comma_may_be_one_file(tmp_path: Path) -> None:
    name = write(tmp_path / "a, b.tsv", [f"{s}\t{t}" for s, t in LINES])
    assert load([name], validation=[name], test=[name]).size("train") == 300


def test_a_tilde_is_the_home(
    both: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    names = ["~/a.en", "~/a.fr.gz"]
    corpus = load(names, validation=names, test=names)
    assert list(corpus.pairs("test")) == LINES
    home = Path("~").expanduser()
    assert Places().find("~/a.en") == home / "a.en"
    for places in (Places(Path("~")), Places(Path("~/"))):
        assert places.raw == home
        assert places.find("a.en") == home / "a.en"
    monkeypatch.setenv("GLIMPSE_DATA_DIR", "~")
    assert Places().find("a.en") == home / "a.en"
    with pytest.raises(GlimpseError, match="no file ~nobody-here/a here"):
        load(["~nobody-here/a"])


def test_text_is_normalised(tmp_path: Path) -> None:
    lines = ["\u00a0e\u0301te\u0301\u202f! \r", "", "\u2028", *"abcdefghijk"]
    name = write(tmp_path / "a", lines)
    corpus = load([name, name], validation=[name, name], test=[name, name])
    expected = ["été !", "", "", *"abcdefghijk"]
    assert [source for source, _ in corpus.pairs("train")] == expected


def test_names_below_the_data_directory(
    both: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        load(("a.en", "a.fr.gz"), places=Places(tmp_path)).size("train") == 300
    )
    with pytest.raises(
        GlimpseError, match=r"no file b\.en here nor in .*--data-dir"
    ):
        load(("b.en", "a.fr.gz"), places=Places(tmp_path))
    monkeypatch.delenv("GLIMPSE_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert load(("a.en", "a.fr.gz")).size("train") == 300


def test_unequal_line_counts_name_both(tmp_path: Path) -> None:
    names = write(tmp_path / "a", ["x"] * 1201), write(tmp_path / "b", ["y"])
    with pytest.raises(
        GlimpseError, match=r"/a has 1,201 lines and .*/b has 1, "
    ):
        load(names)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    names = write(tmp_path / "a", ["x"]), write(tmp_path / "b", [])
    with pytest.raises(GlimpseError, match="/b is empty"):
        load(names)


@pytest.mark.parametrize("number", [0, 3])
def test_one_file_or_two(number: int, both: tuple[str, str]) -> None:
    with pytest.raises(GlimpseError, match=r"corpus\.train.*one TSV"):
        load([both[0]] * number)


def test_files_are_for_this_corpus_only(both: tuple[str, str]) -> None:
    with pytest.raises(
        GlimpseError, match=r"phrasebook got corpus\.train, .*parallel_text"
    ):
        load_corpus("phrasebook", train=both)


def test_too_few_sentences_to_split(tmp_path: Path) -> None:
    name = write(tmp_path / "a", ["x", "y", ""])
    with pytest.raises(GlimpseError, match="has 2 different source sentences"):
        load([name, name])
