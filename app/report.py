"""What a newcomer sees when training ends: scores, samples, what is next."""

import os
import sys
from pathlib import Path

from app.evaluation import evaluate, table
from app.run import Run
from app.shell import app_command, make_command

SAMPLES = 3


def present(
    run: Run, data_dir: Path | None = None, cache_dir: Path | None = None
) -> None:
    """Print validation scores, three translations and the next commands.

    The test split is left alone: it is for `evaluate`.
    """
    folder = run.folder
    result = evaluate(
        folder, split="validation", data_dir=data_dir, cache_dir=cache_dir
    )
    _print(f"\n{table(result)}\n\nSentences that were not trained on:\n")
    corpus = run.load_corpus(data_dir, cache_dir)
    examples = corpus.examples("validation")
    pairs = list(zip(examples, result.hypotheses, strict=True))
    chosen = pairs[:: max(1, len(pairs) // SAMPLES)][:SAMPLES]
    for example, hypothesis in chosen:
        _print(f"  source       {example.source}")
        _print(f"  translation  {hypothesis}")
        _print(f"  reference    {example.references[0]}\n")
    _print(f"The run is in {folder}. Next:\n{_next(folder, data_dir)}")


def _next(folder: Path, data_dir: Path | None) -> str:
    known = os.environ.get("GLIMPSE_DATA_DIR") == str(data_dir)
    option = ("--data-dir", data_dir) if data_dir and not known else ()
    translate = app_command("translate", folder, "--plot", "pictures")
    return (
        f"  {app_command('evaluate', folder, *option)}\n"
        f'  echo "…" | {translate}\n'
        f"  {make_command('evaluate', folder)}\n"
        f'  {make_command("translate", folder)} TEXT="…"\n'
        f"  {make_command('serve', folder)}"
    )


def _print(text: str) -> None:
    # stdout is for the machine-readable result.
    print(text, file=sys.stderr)
