"""The notebooks from start to end, on models that nobody trained."""

import asyncio
import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import tensorflow as tf
from jupyter_client import AsyncKernelManager

from app.alignment import AlignmentScore, AttentionSummary
from app.config import load_config, useful
from app.experiments.notebook import execute, open_runs
from app.experiments.variants import Variant, folder_of, load_plan, variants
from app.inference import Translator
from app.measuring.measure import LengthScore, Measured
from app.measuring.sets import EvaluationSet
from app.measuring.tables import to_json
from app.metrics import EVALUATED, Score
from app.runs import Run
from app.training.watch import Watch
from data import Example, GlimpseError, Tokenizer, load_corpus
from data.sides import Sides

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MIB = 2**20
TINY = (
    "tokenizer.vocabulary_size=500",
    "model.embedding_units=8",
    "model.encoder_units=8",
    "model.decoder_units=8",
    "model.attention_units=8",
)
# Of some cells less is enough to see that they run; the fifth trains itself.
LESS = {
    "1": {
        'read_split(corpus, "train"': 'read_split(corpus, "unseen"',
        '("train", "test", "long")': '("unseen", "test", "long")',
    },
    "3": {'(corpus, "test", ': '(corpus, "unseen", '},
    "5": {
        "][:6000]": "][:400]",
        "held_out=300": "held_out=30",
        "vocabulary_size=1000": "vocabulary_size=400",
        "epochs=7": "epochs=1",
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What notebooks/runs.yaml would train: real folders, made-up figures."""
    root = tmp_path_factory.mktemp("notebook-runs")
    corpus = load_corpus("phrasebook", source="en", target="fr")
    text = [side for pair in corpus.sample()[:400] for side in pair]
    tokenizer = Tokenizer.train(text, 500)
    plan = load_plan(ROOT / "notebooks" / "runs.yaml")
    examples = corpus.examples("validation")[:40]
    tf.config.run_functions_eagerly(True)  # of each model a few sentences
    try:
        for variant in variants(plan):
            _make(root, plan.preset, variant, tokenizer, examples)
    finally:
        tf.config.run_functions_eagerly(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLIMPSE_RUNS", str(root))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield root


@pytest.fixture(scope="module")
def kernel(runs: Path) -> Iterator[AsyncKernelManager]:
    """One for all notebooks, since each would load TensorFlow anew.

    It takes the environment that `runs` sets.
    """
    manager = AsyncKernelManager()
    yield manager
    asyncio.run(manager.shutdown_kernel(now=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where notebooks are run."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(ROOT / "notebooks" / "searches", folder / "searches")
    return folder


def _make(
    root: Path,
    preset: str,
    variant: Variant,
    tokenizer: Tokenizer,
    examples: list[Example],
) -> None:
    sizes = useful(load_config(preset, variant.overrides), TINY)
    config = load_config(preset, [*variant.overrides, *sizes])
    run = Run.create(folder_of(root, variant, 1), config)
    run.save_sides(Sides.of([tokenizer], config.languages))
    run.save_weights(run.build_model(run.load_sides()), "best")
    translator = Translator.load(run.folder)
    watch = Watch(run, translator, examples)
    for step in (0, 32, 64):
        watch.snapshot(step)
    run.evaluation.mkdir()
    for split in ("test", "unseen", "long"):
        result = to_json(_result(split, watch))
        run.write_json(f"evaluation/{split}.json", result)
    rows = [
        {
            **{"epoch": epoch, "step": 40 * epoch},
            **{"train_loss": 3 / epoch, "validation_loss": 4 / epoch},
            **{"train_perplexity": 30, "validation_perplexity": 40},
            **{"validation_bleu": 20 * epoch, "train_gradient_norm": epoch},
        }
        for epoch in (1, 2)
    ]
    with (run.folder / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _result(split: str, watch: Watch) -> Measured:
    shortest = 16 if split == "long" else 1
    aligned = AlignmentScore(0.2, 0.8, 0.8, 0.8, 9)
    attends = (watch.run.snapshots / "0000000.npz").is_file()
    made_up = Measured(
        EvaluationSet("phrasebook", split, []),
        5,
        translations=[None] * 9,  # type: ignore[list-item]
        forced=[],
        scores={
            **dict.fromkeys(EVALUATED, Score(30.0, "made up")),
            "perplexity": Score(2.0, ""),
            "token_accuracy": Score(0.5, ""),
        },
        sentences_per_second=50.0,
        tokenizer="13a",
    )
    vars(made_up).update(
        by_source_length=(LengthScore(shortest, shortest + 4, 9, 30.0),),
        aer={"before": aligned, "after": aligned} if attends else None,
        attention=AttentionSummary(1.0, 0.9, 0.9, 1.0) if attends else None,
    )
    return made_up


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_runs(
    path: Path, folder: Path, kernel: AsyncKernelManager
) -> None:
    notebook = nbformat.read(path, as_version=4)
    # It must bring all that it uses.
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    for old, new in LESS.get(path.stem[0], {}).items():
        assert sum(old in cell.source for cell in notebook.cells) == 1
        for cell in notebook.cells:
            cell.source = cell.source.replace(old, new)
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    copy = folder / path.name
    nbformat.write(notebook, copy)
    execute(copy, kernel)
    done = nbformat.read(copy, as_version=4)
    shown = [
        output
        for cell in done.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(shown) >= 1
    assert all(
        cell.execution_count for cell in done.cells if cell.cell_type == "code"
    )


def test_the_notebooks_are_six_stories_without_functions() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [
        f"{number}_" for number in range(1, 7)
    ]
    for path in NOTEBOOKS:
        assert path.stat().st_size < MIB
        for cell in nbformat.read(path, as_version=4).cells:
            assert not (cell.cell_type == "code" and "def " in cell.source)


def test_the_notebooks_were_run_from_start_to_end_and_show_pictures() -> None:
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        counts = [
            cell.execution_count for cell in cells if cell.cell_type == "code"
        ]
        assert counts == list(range(1, len(counts) + 1)), path
        outputs = [out for cell in cells for out in cell.get("outputs", ())]
        assert any("image/png" in out.get("data", {}) for out in outputs), path
        text = str(outputs)
        for stray in ("stderr", "/root", "/home", "/tmp", "Traceback"):
            assert stray not in text, (path, stray)


def test_missing_runs_are_named_with_the_command_that_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIMPSE_RUNS", str(tmp_path))
    with pytest.raises(
        GlimpseError, match=r"runs bahdanau, gru .* 'make notebo"
    ):
        open_runs("bahdanau", "gru")


def test_a_notebook_that_fails_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "bad.ipynb"
    cells = [nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_bytes()
    with pytest.raises(GlimpseError, match=r"bad\.ipynb failed: division"):
        execute(path)
    assert path.read_bytes() == before


def test_what_cells_say_to_stderr_is_left_out_where_they_are_quiet(
    tmp_path: Path,
) -> None:
    path = tmp_path / "said.ipynb"
    said = "import sys\nprint('out')\nprint('noise', file=sys.stderr)"
    cells = [nbformat.v4.new_code_cell(said) for _ in range(2)]
    cells[0].metadata["tags"] = ["quiet"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path)
    quiet, loud = nbformat.read(path, as_version=4).cells
    assert [out.text for out in quiet.outputs] == ["out\n"]
    assert {out.text for out in loud.outputs} == {"out\n", "noise\n"}
    assert "timestamp" not in str(quiet.metadata)
