"""Command `python -m app benchmark`."""

import json
from typing import Annotated

import typer

from app.commands.options import (
    PRESETS,
    AsJson,
    CacheDir,
    DataDir,
    Debug,
    Overrides,
    one_sentence,
)

Preset = Annotated[
    str, typer.Option("--preset", help=f"One of {PRESETS}, or a YAML file.")
]
Units = Annotated[
    int | None,
    typer.Option(
        "--units",
        min=1,
        help="Size of the embeddings, the encoder, the decoder and the "
        "attention, all alike.",
    ),
]
VocabularySize = Annotated[
    int | None,
    typer.Option(
        "--vocabulary",
        min=5,
        help="Short for --set tokenizer.vocabulary_size=N.",
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--seconds", min=0, help="Minimum length of each timing, in seconds."
    ),
]
Rounds = Annotated[
    int,
    typer.Option(
        "--rounds",
        min=1,
        help="Number of timings of each system; systems take turns.",
    ),
]
Peers = Annotated[
    str,
    typer.Option(
        "--peers",
        help="Names of the systems to compare with, separated by commas. "
        "PyTorch is left out if it is not installed. These systems can only "
        "build models like those of the reference presets; for other models, "
        "the benchmark leaves all of them out.",
    ),
]
Scaling = Annotated[
    bool,
    typer.Option(
        "--scaling",
        help="Also measure how the speed of training depends on each of these: "
        "length of source, length of target, batch size, vocabulary, units, "
        "cores. They are changed one at a time. This adds about 24 timings, "
        "each repeated as --rounds says: about 20 minutes in all.",
    ),
]
SIZES = ("embedding", "encoder", "decoder", "attention")  # parts with units


def benchmark(
    preset: Preset = "reference-bahdanau",
    units: Units = None,
    vocabulary: VocabularySize = None,
    seconds: Seconds = 10.0,
    rounds: Rounds = 3,
    peers: Peers = "pytorch,stock-keras",
    scaling: Scaling = False,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Compare Glimpse with other systems: speed of training and translation.

    The systems take turns on the same batches, each in its own process. The
    machine should have nothing else to do. The benchmark also measures how long
    a command takes to start, not counting the import of TensorFlow, and how
    much of the training time is spent waiting for batches.
    """
    with one_sentence(debug):
        from app.config import changed, load_config
        from app.experiments.benchmark import report
        from app.experiments.benchmark.run import Options, run_benchmark
        from data import Places

        short = [f"model.{each}_units={units}" for each in SIZES if units]
        if vocabulary:
            short.append(f"tokenizer.vocabulary_size={vocabulary}")
        config = load_config(preset, set_ or ())
        config = changed(config, [*short, *(set_ or ())])
        chosen = tuple(each for each in peers.split(",") if each)
        found = run_benchmark(
            preset,
            config,
            Options(seconds, rounds, chosen, scaling),
            Places(data_dir, cache_dir),
        )
        print(json.dumps(found) if as_json else report.table(found))
