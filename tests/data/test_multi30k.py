"""Multi30k: a small copy with planted damage, then the real one."""

import gzip
import itertools
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data import GlimpseError, Places, load_corpus, normalise, words
from data.corpora import Corpus, multi30k, prepared
from data.corpora.files import read_lines
from data.corpora.multi30k_tokens import map_links, words_of_tokens
from data.links import flip_links

COUNTS = {"train": 11, "val": 5, "test_2016_flickr": 3}
REAL_COUNTS = {"train": 29000, "validation": 1014, "test": 1000}
Load = Callable[..., Corpus]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is there to be downloaded from."""
    monkeypatch.setattr(multi30k, "ADDRESS", "http://127.0.0.1:9/task1/")
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def line(stem: str, language: str, place: int) -> str:
    return f'\u00a0Le  {stem} {language}\u2028{place} dit\u202f: "l\'an." '


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "multi30k"
    folder.mkdir(parents=True)
    for stem, count in COUNTS.items():
        for language in ("en", "fr", "de"):
            text = "".join(
                f"{line(stem, language, place)}\n" for place in range(count)
            )
            path = folder / f"{stem}.{language}.gz"
            path.write_bytes(gzip.compress(text.encode()))
    return folder


@pytest.fixture
def load(folder: Path, tmp_path: Path) -> Load:
    def load(**choices: str) -> Corpus:
        return load_corpus(
            "multi30k",
            places=Places(folder.parent, tmp_path / "cache"),
            **choices,
        )

    return load


def test_pairs_are_normalised_and_in_file_order(load: Load) -> None:
    corpus = load(source="de", target="en")
    assert corpus.splits == ("train", "validation", "test")
    assert list(corpus.pairs("train")) == [
        tuple(normalise(line("train", code, place)) for code in ("de", "en"))
        for place in range(COUNTS["train"])
    ]


def test_examples_have_one_reference_and_no_gold(load: Load) -> None:
    examples = load().examples("test")
    assert [each.source for each in examples] == [
        normalise(line("test_2016_flickr", "en", place)) for place in range(3)
    ]
    assert examples[2].references == (
        normalise(line("test_2016_flickr", "fr", 2)),
    )
    assert {each.alignment for each in examples} == {None}


def test_plain_files_and_the_environment_will_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in list(folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    monkeypatch.setenv("GLIMPSE_DATA_DIR", str(folder.parent))
    corpus = load_corpus(
        "multi30k", places=Places(cache_dir=tmp_path / "cache")
    )
    assert len(corpus.examples("validation")) == COUNTS["val"]


def test_the_builder_serves_tfds_load(folder: Path, tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    dataset = tfds.load(
        "multi30k",
        split="validation",
        data_dir=tmp_path / "cache",
        download_and_prepare_kwargs={
            "download_config": tfds.download.DownloadConfig(manual_dir=folder)
        },
    )
    assert sorted(dataset.element_spec) == ["de", "en", "fr"]
    assert len(dataset) == COUNTS["val"]


def test_prepared_once_and_again_when_a_file_changes(
    load: Load, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="data.corpora")
    load()
    load()
    assert caplog.text.count("Preparing corpus multi30k") == 1
    shutil.copy(folder / "train.de.gz", folder / "train.en.gz")
    assert load().examples("train")[0].source.startswith("Le train de")
    assert caplog.text.count("Preparing corpus multi30k") == 2


def test_the_fingerprint_is_that_of_the_training_text(
    load: Load, folder: Path
) -> None:
    before = load().fingerprint()
    assert re.fullmatch("[0-9a-f]{8}", before)
    assert load().fingerprint() == before  # kept beside the text
    path = folder / "train.fr.gz"
    content = path.read_bytes()
    lines = gzip.decompress(content).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join([*lines[:-1], b"Autre.\n"])))
    changed = load().fingerprint()
    path.write_bytes(gzip.compress(b"".join(lines[::-1])))
    assert len({before, changed, load().fingerprint()}) == 3
    path.write_bytes(content)
    path = folder / "val.fr.gz"
    path.write_bytes(gzip.compress(b"one\n" * COUNTS["val"]))
    assert load().fingerprint() == before


def test_the_fingerprint_stays_when_code_changes(
    load: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="data.corpora")
    before = load().fingerprint()
    code = tmp_path / "code.py"
    monkeypatch.setattr(prepared, "_code", lambda code_of_corpus: [code])
    for number in range(2):
        code.write_text(f"VERSION = {number}")
        assert load().fingerprint() == before
    assert caplog.text.count("Preparing corpus multi30k") == 3


def test_preparing_prints_nothing(
    load: Load, capfd: pytest.CaptureFixture[str]
) -> None:
    load()
    assert capfd.readouterr().out == ""


def test_failed_preparation_leaves_nothing_behind(
    load: Load, folder: Path
) -> None:
    path = folder / "val.fr.gz"
    content = path.read_bytes()
    path.write_bytes(gzip.compress(b"one\n"))
    with pytest.raises(GlimpseError):
        load()
    path.write_bytes(content)
    assert len(load().examples("validation")) == COUNTS["val"]


def test_unequal_lines_name_counts_and_files(load: Load, folder: Path) -> None:
    (folder / "val.fr.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    with pytest.raises(
        GlimpseError, match=r"val\.en\.gz has 5 lines and .*val\.fr\.gz has 2"
    ):
        load()


def test_bad_utf8_names_line_and_byte(load: Load, folder: Path) -> None:
    bad = "é\nété ".encode() + b"\xff\n"
    (folder / "val.fr.gz").write_bytes(gzip.compress(bad))
    with pytest.raises(
        GlimpseError, match=r"val\.fr\.gz is not UTF-8: line 2, byte 7 is 0xff"
    ):
        load()


@pytest.mark.parametrize("cut", [slice(0, -9), slice(0, 30), slice(9, None)])
def test_truncated_gzip_names_the_file(
    load: Load, folder: Path, cut: slice
) -> None:
    path = folder / "train.de.gz"
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(GlimpseError, match=r"train\.de\.gz is truncated or no"):
        load()


def test_missing_files_are_named_with_their_address(
    load: Load, folder: Path
) -> None:
    load()
    (folder / "val.fr.gz").unlink()
    (folder / "train.en.gz").unlink()
    with pytest.raises(GlimpseError) as caught:
        load()
    message = str(caught.value)
    assert "wants train.en.gz, val.fr.gz, which are not in " in message
    for part in (str(folder), "task1/raw/NAME.gz", "--data-dir", "GLIMPSE_"):
        assert part in message


def test_no_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GLIMPSE_DATA_DIR", raising=False)
    with pytest.raises(GlimpseError, match=r"train\.en\.gz, .* in no folder"):
        load_corpus("multi30k", places=Places(cache_dir=tmp_path))


def test_cache_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GlimpseError, match="--cache-dir"):
        load_corpus(
            "multi30k",
            places=Places(folder.parent, tmp_path / "file" / "x"),
        )


def test_lines_end_in_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("a\u2028b\x85\x0cc\r\n\nlast".encode())
    assert read_lines(path) == ["a\u2028b\x85\x0cc\r", "", "last"]
    path.write_bytes(b"")
    assert read_lines(path) == []


def test_gold_moves_from_tokens_to_words(load: Load, folder: Path) -> None:
    # words: Le train . | tokens: le train &quot; . &quot;
    (folder / "test_2016_flickr.en").write_text('A "dog".\nB.\nC.\n')
    (folder / "test_2016_flickr.fr").write_text("L'an d'or.\nB.\nC.\n")
    for language in ("en", "fr"):
        (folder / f"test_2016_flickr.{language}.gz").unlink()
    (folder / "test_2016_flickr.lc.norm.tok.en").write_text(
        "a &quot; dog . &quot;\nb .\nc .\n"
    )
    (folder / "test_2016_flickr.lc.norm.tok.fr").write_text(
        "l &apos; an d&apos; or .\nb .\nc .\n"
    )
    gold = folder / "gold_alignments.test_2016_flickr.en-fr.txt"
    gold.write_text("0\t0-0 0p1 2-4 3-5 4p5\n2\t0-0\n")
    # The English words are A " dog " . and the French ones L' an d' or .
    assert load().gold_alignments("test") == {0: "0-0 2-3 3p4 4-4", 2: "0-0"}
    assert load(source="fr", target="en").gold_alignments("test") == {
        0: "0-0 3-2 4p3 4-4",
        2: "0-0",
    }
    assert load().examples("test")[2].alignment == "0-0"
    assert load().gold_alignments("train") is None
    assert load(target="de").gold_alignments("test") is None
    assert load().processed_references("test") == [
        "l &apos; an d&apos; or .",
        "b .",
        "c .",
    ]
    assert load().processed_references("validation") is None


@pytest.mark.parametrize("bad", ["0 0-0", "x\t0-0", "0\t0=0"])
def test_gold_that_is_none(load: Load, folder: Path, bad: str) -> None:
    for language in ("en", "fr"):
        processed = folder / f"test_2016_flickr.lc.norm.tok.{language}"
        processed.write_text("a\nb\nc\n")
    gold = folder / "gold_alignments.test_2016_flickr.en-fr.txt"
    gold.write_text(f"{bad}\n")
    with pytest.raises(GlimpseError, match=r"gold_alignments.* has the line"):
        load().gold_alignments("test")


def test_flipped_links() -> None:
    assert flip_links("0-2 1p0 3-0") == "0p1 0-3 2-0"


def test_sure_wins_over_possible() -> None:
    assert map_links("0p0 1-0 2-1", [(0,), (0,), ()], [(0,), (1,)]) == "0-0"
    assert map_links("0p0", [(0, 2)], [(1,)]) == "0p1 2p1"


@pytest.mark.parametrize(
    ("tokens", "text", "language", "expected"),
    [
        (r"&quot; 93 . &quot;", '"93".', "en", [0, 1, 3, 2]),
        ("state @-@ of", "State-of", "en", [0, 0, 0]),
        ("r &amp; d &lt; &#91; &#124;", "R & D < [ |", "en", range(6)),
        ("l &apos; a", "l’a", "fr", [0, 0, 1]),
        ('" où " ...', "« Où » …", "fr", range(4)),
    ],
)
def test_words_of_tokens(
    tokens: str, text: str, language: str, expected: list[int]
) -> None:
    found = words_of_tokens(tokens.split(), text, language)
    assert found == [(place,) for place in expected]


@pytest.fixture(scope="module")
def real(data_dir: Path, cache_dir: Path) -> Corpus:
    return load_corpus("multi30k", places=Places(data_dir, cache_dir))


def test_real_counts_and_order(real: Corpus, data_dir: Path) -> None:
    for split, count in REAL_COUNTS.items():
        assert real.builder.info.splits[split].num_examples == count
    path = data_dir / "multi30k" / "train.fr.gz"
    expected = [normalise(each) for each in read_lines(path)]
    assert [target for _, target in real.pairs("train")] == expected


def test_real_gold_maps_without_a_loss(real: Corpus, data_dir: Path) -> None:
    path = data_dir / "multi30k/gold_alignments.test_2016_flickr.en-fr.txt"
    given = dict(each.split("\t") for each in read_lines(path))
    gold = real.gold_alignments("test")
    assert gold is not None
    assert list(gold) == [int(place) for place in given]
    assert [
        (links.count("-"), links.count("p")) for links in gold.values()
    ] == [(links.count("-"), links.count("p")) for links in given.values()]


def test_real_gold_reads_the_same_in_words_as_in_tokens(
    real: Corpus, data_dir: Path
) -> None:
    folder = data_dir / "multi30k"
    given = read_lines(folder / "gold_alignments.test_2016_flickr.en-fr.txt")
    stem = folder / "test_2016_flickr.lc.norm.tok"
    english = read_lines(stem.with_name(stem.name + ".en.gz"))
    french = read_lines(stem.with_name(stem.name + ".fr.gz"))
    examples = real.examples("test")
    for each in given:
        place, links = each.split("\t")
        example = examples[int(place)]
        words_read = read_pairs(
            example.alignment or "",
            spelt(example.source, "en"),
            spelt(example.references[0], "fr"),
        )
        tokens = [
            column[int(place)].replace("&apos;", "'").replace("&quot;", '"')
            for column in (english, french)
        ]
        assert words_read == read_pairs(links, *(t.split() for t in tokens))


def test_real_tokens_all_have_words(real: Corpus) -> None:
    for language, target in itertools.permutations(["en", "fr"]):
        corpus = load_real_target(real, language, target)
        processed = corpus.processed_references("test")
        assert processed is not None
        assert len(processed) == REAL_COUNTS["test"]
        for tokens, example in zip(
            processed, corpus.examples("test"), strict=True
        ):
            found = words_of_tokens(
                tokens.split(), example.references[0], target
            )
            assert all(found)


def load_real_target(real: Corpus, source: str, target: str) -> Corpus:
    assert real.folder is not None
    return load_corpus(
        "multi30k",
        source=source,
        target=target,
        places=Places(
            real.folder.parent, Path(real.builder.data_path).parents[1]
        ),
    )


def spelt(text: str, language: str) -> list[str]:
    spans = words(text, language)
    return [text[start:end].lower() for start, end in spans]


def read_pairs(
    links: str, source: list[str], target: list[str]
) -> list[tuple[str, str, bool]]:
    pairs = []
    for link in links.split():
        i, j = (int(each) for each in link.replace("p", "-").split("-"))
        pairs.append((source[i], target[j], "p" in link))
    return sorted(pairs)
