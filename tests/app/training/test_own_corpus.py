"""The user's own files through the command line."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.config import load_config
from app.measuring.sets import Files, from_files
from app.runs import Run
from data import Places, corpora, open_corpus, words
from data.corpora import Example
from models import architecture
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES, TARGETS
from tests.app.tiny import PAIRS, TINY

TINY_SETS = [each for option in TINY for each in ("--set", option)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    english, french = tmp_path / "my.en", tmp_path / "my.fr.gz"
    english.write_text("".join(f"{one}\n" for one, _ in PAIRS), "utf-8")
    text = "".join(f"{other}\n" for _, other in PAIRS)
    french.write_bytes(gzip.compress(text.encode()))
    return english, french


def own(*names: Path) -> list[str]:
    listed = ", ".join(map(str, names))
    return [
        *("--set", "corpus.name=parallel_text"),
        *("--set", f"corpus.train=[{listed}]"),
    ]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts corpora that are opened, and models that are built."""
    count: Counter[str] = Counter()

    def watched(module: ModuleType, name: str) -> None:
        function = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            count[name] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)

    watched(corpora, "load_corpus")
    watched(architecture, "_build")  # what every `build_model` calls
    return count


def test_training_on_two_files(
    files: tuple[Path, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    done: Counter[str],
) -> None:
    english, french = files
    with english.open("a") as file:
        file.write(f"\n   \n{' '.join(map(str, range(90)))}\n{PAIRS[0][0]}\n")
    with gzip.open(french, "at") as file:
        file.write(f"vide\nvide\nmot\n{PAIRS[0][1]}\n")
    run = tmp_path / "run"
    with caplog.at_level("INFO"):
        code, out, error = invoke(
            *("train", "--run", run, *own(*files), *TINY_SETS),
            *(
                "--set",
                "training.epochs=1",
                "--set",
                "cleaning.duplicates=true",
            ),
        )
    assert code == 0, error
    assert json.loads(out.splitlines()[-1])["epochs"] == 1
    once = {"load_corpus": 1, "_build": 1}  # to train, validate and measure
    assert done == once
    for told in (
        "Left out 2 pairs empty on a side, such as “” – “vide”",
        "Left out 1 pairs too long, such as “0 1 2 3",
        "Left out 1 pairs duplicates of an earlier pair",
    ):
        assert told in caplog.text
    # 65 different sources; a twentieth of them went to each other split.
    assert f"Training on {64 - 6} of {68 - 6} pairs" in caplog.text
    trained = Run.open(run).result("validation")
    saved = Run.open(run).config.corpus
    assert saved.train == tuple(map(str, files))
    assert load_config(run / "config.yaml").corpus == saved
    inventory = Run.open(run).load_inventory()
    assert inventory is not None
    assert "horse" in inventory.plain_words
    code, out, _ = invoke("evaluate", run, "--split", "validation", "--json")
    after, said = Run.open(run).result("validation"), json.loads(out)
    for each in (trained, after, said):
        del each["sentences_per_second"]
    assert trained == after == said
    done.clear()
    code, out, _ = invoke("evaluate", run, "--json")
    assert json.loads(out)["sentences"] == 3
    assert done == once


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n", r"has 1 lines"),
        (b"\xff" + b"\n" * 64, "not UTF-8: line 1, byte 1"),
        (b"\0" + b"\n" * 64, "line 1, byte 1 is NUL"),
        (b"a" * 100_000 + b"\n" * 64, "10,000 characters in line 1"),
        (b"", "is empty"),
    ],
)
def test_damaged_files_are_one_sentence_and_no_run(
    content: bytes, message: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    files[0].write_bytes(content)
    run = tmp_path / "run"
    code, out, error = invoke("train", "--run", run, *own(*files))
    assert code == 1
    assert out == ""
    assert error.count("\n") == 1
    assert str(files[0]) in error
    assert message in error
    assert not run.exists()  # nothing is in the way of another try


def test_a_start_that_fails_is_not_in_the_way(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    code, _, error = invoke(
        *("train", "--run", run, *own(*files)),
        *("--set", "tokenizer.vocabulary_size=261"),
    )
    assert code == 1
    assert "A vocabulary of 261 pieces cannot hold" in error
    assert not run.exists()


def test_swapped_files_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sides = [tmp_path / "a", tmp_path / "b"]
    for path, lines in zip(sides, (TARGETS * 3, SOURCES * 3), strict=True):
        path.write_text("\n".join(lines) + "\n", "utf-8")
    split = f"corpus.validation=[{sides[0]}, {sides[1]}]"
    arguments = ["--set", "corpus.name=parallel_text", "--set", split]
    arguments += ["--set", "tokenizer.vocabulary_size=400"]
    arguments += [*own(*sides), "--set", split.replace("validation", "test")]
    code, _, error = invoke("prepare", *arguments)
    assert code == 1  # all three splits are the same
    assert "are they swapped?" in caplog.text
    assert "Leak check: " in error


def test_evaluation_files_that_translate_would_mend(
    tiny_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, reference = tmp_path / "a", tmp_path / "b"
    reference.write_text("x\n" * 3)

    def evaluated(content: bytes, *options: str) -> tuple[int, str]:
        source.write_bytes(content)
        code, _, error = invoke(
            *("evaluate", tiny_run, "--source", source),
            *("--reference", reference, "--beam", 1, *options),
            *("--output", tmp_path / "kept"),
        )
        return code, error

    code, error = evaluated(b"one\ntwo\nth\xffree\n")
    assert (code, "line 3, byte 3 is 0xff" in error) == (1, True)
    long = b"one\n" + b"two " * 300 + b"\nthree\n"
    code, error = evaluated(long)
    assert code == 1
    assert f"{source} has 1 line of more than 511 tokens" in error
    assert "the first is line 2" in error
    assert evaluated(long, "--cut")[0] == 0
    assert "Over-long: 1 line in en, the first is line 2" in caplog.text


@pytest.mark.parametrize(
    ("code", "end", "pack"),
    [
        ("utf-16", "\n", bytes),
        ("utf-8", "\r", gzip.compress),
        ("utf-8-sig", "\r\n", bytes),
    ],
)
def test_evaluation_files_are_read_like_those_of_training(
    code: str, end: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    pairs = [*zip(SOURCES, TARGETS, strict=True), ('"A" б', '"上" "海"')]
    names = [tmp_path / "a", tmp_path / "b"]
    for path, side in zip(names, zip(*pairs, strict=True), strict=True):
        cells = (text.replace('"', '""') for text in side)
        content = "".join(f'"{cell}"{end}' for cell in cells)
        path.write_bytes(pack(content.encode(code)))
    found = from_files(Files(*names))
    assert found.examples == [Example(s, (t,)) for s, t in pairs]


@pytest.fixture
def prepare(files: tuple[Path, Path]) -> list[str]:
    return [
        *("prepare", "--corpus", "parallel_text"),
        *("--set", f"corpus.train=[{files[0]}, {files[1]}]"),
        *("--set", "tokenizer.vocabulary_size=400"),
    ]


def test_prepare_counts(prepare: list[str]) -> None:
    code, out, _ = invoke(*prepare, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["corpus"] == "parallel_text"
    assert [each["split"] for each in found["splits"]] == [
        *("train", "validation", "test"),
    ]
    assert [each["kept"] for each in found["splits"]] == [58, 3, 3]
    assert found["leaks"] == []
    code, out, _ = invoke(*prepare)
    assert code == 0
    cells = [line.split() for line in out.splitlines()]
    assert ["train", "58", "58", "58", "0"] in cells
    assert "no two splits share a source sentence" in out


def test_prepare_writes_words_for_an_aligner(
    prepare: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "words"
    code, _, _ = invoke(*prepare, "--words", folder)
    assert code == 0
    sets = ["corpus.name=parallel_text", prepare[4]]
    config = load_config("phrasebook", sets)
    corpus = open_corpus(config.corpus, config.cleaning, Places())
    for split in corpus.splits:
        for side, language in enumerate((corpus.source, corpus.target)):
            lines = (folder / f"{split}.{language}").read_text().splitlines()
            texts = [pair[side] for pair in corpus.pairs(split) if all(pair)]
            assert len(lines) == len(texts)
            for line, text in zip(lines, texts, strict=True):
                assert line.replace(" ", "") == text.replace(" ", "")
                assert len(line.split()) == len(words(text, language))


def test_prepare_fails_on_a_planted_leak(
    prepare: list[str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    table = tmp_path / "test.tsv"
    table.write_text("\t".join(PAIRS[11]) + "\nNew.\tNeuf.\n", "utf-8")
    code, out, error = invoke(*prepare, "--set", f"corpus.test=[{table}]")
    assert code == 1
    assert out.count("Leak check: ") == 1  # the counts are there all the same
    assert "train and test share 1 source sentence" in error
    assert PAIRS[11][0] in error


def test_prepare_takes_a_corpus_or_a_preset() -> None:
    code, _, error = invoke(
        "prepare", "--corpus", "tatoeba", "--preset", "phrasebook"
    )
    assert code == 2
    assert "not both" in error


def test_links_that_do_not_fit_leave_no_run_behind(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    links = tmp_path / "links"
    links.write_text("0-0\n")
    run = tmp_path / "run"
    code, _, error = invoke(
        *("train", "--run", run, "--set", "corpus.name=parallel_text"),
        *("--set", f"corpus.train=[{files[0]}, {files[1]}]"),
        *("--set", "training.guided_alignment=1"),
        *("--set", f"training.alignments={links}"),
    )
    assert code == 1
    assert "1 lines of links" in error
    assert not run.exists()
