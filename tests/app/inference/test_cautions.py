"""Sentences longer than a model knows: translated whole, and warned of."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from app.config import load_config
from app.inference.aligning import Aligner
from app.inference.batching import batches as batches_of
from app.inference.cautions import cautions, check_lengths
from app.inference.translator import Translator
from app.runs import Run
from data import Example, GlimpseError, PipelineOptions
from data.sides import Sides
from models import SearchOptions
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES, TARGETS

# 99 words: no sentence of training is as long.
LONG = " ".join(["We eat an apple and the cat drinks water"] * 11)
LONGER = "My sister's friend sings."
LIMIT, TRAINED = 30, 12  # tokens with EOS, of `small`


def limited(translator: Translator, limit: int, trained: int) -> Translator:
    """The same model, which reads and has learnt so many tokens with EOS."""
    config = replace(
        translator.config,
        pipeline=PipelineOptions(max_source_length=trained),
        search=SearchOptions(beam_size=1, max_source_length=limit),
    )
    return Translator(translator.model, translator.sides, config)


@pytest.fixture(scope="module")
def small(translator: Translator) -> Translator:
    return limited(translator, LIMIT, TRAINED)


@pytest.fixture
def loaded(small: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run folder holds the small translator; nothing is drawn."""
    monkeypatch.setattr(Translator, "load", lambda *_, **options: small)
    for command in ("align", "evaluate", "translate"):
        monkeypatch.setattr(
            f"app.commands.{command}.pick_device_for", lambda run: None
        )
    monkeypatch.setattr("app.measuring.saving.save_extremes", lambda *_: [])


def write(folder: Path, **lines: list[str]) -> list[Path]:
    paths = [folder / name for name in lines]
    for path, each in zip(paths, lines.values(), strict=True):
        path.write_text("\n".join(each) + "\n", "utf-8")
    return paths


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What this application warns of, and not TensorFlow of many graphs."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING and each.name.startswith("app.")
    ]


def test_a_run_of_before_reads_as_much_as_any(
    tiny_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    assert config["search"].pop("max_source_length") == 512
    path.write_text(yaml.safe_dump(config))
    assert Translator.load(run).config == load_config(tiny_run / "config.yaml")
    with pytest.raises(GlimpseError, match="max_source_length is 1"):
        load_config("phrasebook", ["search.max_source_length=1"])


def test_a_long_source_is_read_to_its_end(translator: Translator) -> None:
    (found,) = translator.translate([LONG], beam_size=1)
    assert not found.truncated
    assert found.read.text == LONG
    assert len(found.source_ids) > translator.longest_trained == 64
    hypothesis = found.hypotheses[0]
    assert hypothesis.attention is not None
    assert hypothesis.attention.shape[1] == len(found.source_ids)
    (pair,) = Aligner(translator).align([Example(LONG, (TARGETS[0],))])
    assert len(pair.view.source) > 80


def test_batches_of_ordinary_lengths_are_as_many_rows_as_ever() -> None:
    random = np.random.default_rng(5)
    lengths = random.integers(1, 65, 1000).tolist()
    order = sorted(range(1000), key=lengths.__getitem__)
    order = [row for row in order if lengths[row] > 1]
    batches = list(batches_of(lengths))
    assert batches == [order[i : i + 64] for i in range(0, len(order), 64)]


def test_the_longer_the_rows_the_fewer_in_a_batch() -> None:
    lengths = [3, 64, 65, 67, 97, 128, 131, 257, 300, 512, 513, 2000] * 71
    batches = list(batches_of(lengths))
    rows = [row for batch in batches for row in batch]
    assert sorted(rows) == list(range(len(lengths)))
    assert [lengths[row] for row in rows] == sorted(lengths)
    shown = [[lengths[row] for row in batch] for batch in batches]
    for each in shown:
        assert len(each) == 1 or len(each) * each[-1] ** 2 <= 64**3
    most = {each[-1]: len(each) for each in reversed(shown)}
    assert most[64] == 64
    assert [most[length] for length in (512, 513, 2000)] == [1, 1, 1]


def test_a_given_target_makes_batches_smaller_too(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inference.batching.BATCH_SIZE", 2)
    counts: list[int] = []
    sources, targets = [SOURCES[0]] * 5, [TARGETS[0]] * 3 + [LONG] * 2
    together = translator.force(sources, targets, progress=counts.append)
    assert counts == [2, 1, 1, 1]
    assert together[0].hypotheses[0].log_prob == pytest.approx(
        together[2].hypotheses[0].log_prob, abs=1e-3
    )


@pytest.mark.parametrize("text", [SOURCES[0], "Ça 東京 été noël", "x" * 40])
def test_what_is_said_of_a_sentence(text: str, translator: Translator) -> None:
    tokens = len(translator.encode(text).source_ids)
    for limit, trained, expected in (
        (tokens, tokens, ""),
        (tokens, tokens - 1, "longer"),
        (tokens - 1, tokens - 1, "cut"),
        (tokens - 1, tokens - 2, "cut longer"),
    ):
        other = limited(translator, limit, trained)
        found = other.encode(text)
        said = {
            "cut": f"Line 7 is over-long: only its first {limit - 1} tokens "
            "are translated",
            "longer": f"Line 7 has {limit - 1} tokens, but the longest in "
            f"training had {trained - 1}: parts of the translation may be "
            "missing or repeated",
        }
        assert cautions(found, "Line 7") == [
            said[name] for name in expected.split()
        ]


def test_an_unseen_word_is_named_once(translator: Translator) -> None:
    found = [translator.encode(text) for text in ("a zebra ẑ", "zebra")]
    said: set[str] = set()
    first = cautions(found[0], "Line 1", said)
    assert first == ["Line 1 has words never seen in training: a, zebra, ẑ"]
    assert cautions(found[1], "Line 2", said) == []
    assert cautions(found[1]) == [
        "The sentence has words never seen in training: zebra"
    ]


@pytest.mark.usefixtures("loaded")
def test_translate_names_the_line(
    small: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    stdin = "\n".join(("I see", LONGER, LONG)).encode()
    code, _, _ = invoke("translate", "run", stdin=stdin)
    assert code == 0
    tokens = len(small.encode(LONGER).source_ids) - 1
    assert TRAINED < tokens < LIMIT
    assert warnings(caplog) == [
        f"Line 2 has {tokens} tokens, but the longest in training had 11: "
        "parts of the translation may be missing or repeated",
        "Line 3 is over-long: only its first 29 tokens are translated",
        "Line 3 has 29 tokens, but the longest in training had 11: parts of "
        "the translation may be missing or repeated",
    ]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("command", ["evaluate", "align"])
def test_over_long_lines_of_files_are_refused_or_cut(
    command: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run.create(tmp_path / "run", load_config("phrasebook")).folder
    source, reference = write(
        tmp_path,
        en=["I see", LONG, LONGER, LONG],
        fr=["Je vois", *TARGETS[:3]],
    )
    files = ("--source", source, "--reference", reference)
    code, out, error = invoke(command, run, *files)
    assert (code, out) == (1, "")
    assert f"{source} has 2 lines of more than 29 tokens" in error
    assert "the first is line 2" in error
    assert "--cut" in error
    code, out, error = invoke(command, run, *files, "--cut")
    assert code == 0, error
    assert command == "evaluate" or out.count("\n") == 4
    assert [each for each in warnings(caplog) if "tokens" in each] == [
        "Over-long: 2 lines in en, the first is line 2; only the first 29 "
        "tokens of such a line are read",
        "Longer than all sources in training, which had at most 11 tokens: "
        "3 lines in en, the first is line 2, with 29 tokens",
    ]


def test_the_other_direction_reads_the_translations(
    translator: Translator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forward = limited(translator, 512, 512)
    backward = limited(translator, 21, 21)
    backward.sides = Sides(*backward.sides[::-1])
    aligner = Aligner(forward, backward)
    examples = [Example("I see", (text,)) for text in ("Je", LONG)]
    fr = tmp_path / "fr"
    with pytest.raises(GlimpseError, match="fr has 1 line of more than 20"):
        aligner.check_lengths(examples, tmp_path / "en", fr)
    aligner.check_lengths(examples, tmp_path / "en", fr, cut=True)
    assert [each.partition(";")[0] for each in warnings(caplog)] == [
        "Over-long: 1 line in fr, the first is line 2"
    ]


@pytest.mark.usefixtures("loaded")
def test_a_split_is_cut_with_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Run.create(tmp_path / "run", load_config("phrasebook")).folder
    corpus = SimpleNamespace(
        name="made",
        examples=lambda split: [Example(LONG, (TARGETS[0],))],
        processed_references=lambda split: None,
    )
    monkeypatch.setattr("app.runs.folder.open_corpus", lambda *_: corpus)
    code, out, error = invoke("align", run)
    assert code == 0, error
    assert out.count("\n") == 1
    assert warnings(caplog)[0].startswith("Over-long: 1 line in en")


def test_ordinary_lengths_are_not_spoken_of(
    translator: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    check_lengths(translator, SOURCES, Path("file"))
    assert warnings(caplog) == []
