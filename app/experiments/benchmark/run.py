"""Benchmark of a preset: speed and memory of its model and of other systems.

A preset is a named configuration. The other systems are models of the same
sizes, written with other libraries.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from app.config import Config, save_config
from app.experiments.benchmark import machine, work
from app.experiments.benchmark.ours import Ours
from app.experiments.benchmark.products import seconds_alone, training_products
from app.experiments.benchmark.scaling import reference, scaling
from app.experiments.benchmark.startup import startup
from app.experiments.benchmark.turns import (
    Timing,
    Worker,
    alternated,
    in_turns,
    workers,
)
from app.experiments.benchmark.waiting import fraction_waited
from app.experiments.benchmark.worker import CONFIG, SHAPE, WORK
from app.machine.device import cores, pick_device
from data import Places, open_corpus
from data.sides import Sides, fit_sides, sample_pairs
from data.training_data import TrainingData, read_split

OURS = "glimpse"
PEERS = ("pytorch", "stock-keras")
REFERENCES = ("bahdanau", "luong")  # decoders that other systems can have


@dataclass(frozen=True)
class Options:
    """Options of a benchmark.

    Attributes:
        seconds: least duration of each timing, in seconds.
        rounds: number of timings of each system; the systems take turns.
        peers: names of the other systems to time; PyTorch is left out if it is
            not installed.
        scaling: whether also to measure how the speed of training depends on
            each size, such as the batch size; this takes many minutes.
    """

    seconds: float = 10.0
    rounds: int = 3
    peers: tuple[str, ...] = PEERS
    scaling: bool = False


class Prepared(NamedTuple):
    """Data of the preset's corpus that the benchmark needs.

    Attributes:
        sides: the source side and the target side of the corpus, each with its
            tokenizer.
        data: all batches of the training data.
        real: some of these batches, taken at even distances over an epoch.
        sources: batches of source ids (B, S) to translate.
    """

    sides: Sides
    data: TrainingData
    real: list[work.Batch]
    sources: list[Any]


def run_benchmark(
    preset: str, config: Config, options: Options, places: Places
) -> dict[str, Any]:
    """Measure a preset's model and the other systems; return results for JSON.

    Args:
        preset: name of the preset, for the result.
        config: configuration of the preset.
        options: what to measure, and for how long.
        places: folders of the corpora's files.
    """
    device = pick_device()
    prepared = _prepare(config, places)
    vocabularies = [side.size for side in prepared.sides]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dense = work.dense(vocabularies[1], config.pipeline.batch_size)
        sets = {"dense": dense, "real": prepared.real}
        work.save(folder / WORK, sets, prepared.sources)
        save_config(config, folder / CONFIG)
        (folder / SHAPE).write_text(json.dumps({"vocabularies": vocabularies}))
        with workers([OURS, *_peers(config, options)], folder) as systems:
            timed = _measure(systems, options)
            beam = _beam(systems[0], options)
            timed["beam"] = {OURS: beam["beam"]}
            parameters = systems[0].parameters
            memory = {each.name: each.peak_memory_mib for each in systems}
            profile = systems[0].profile("real")
        started = startup(
            folder / "run", config, prepared.sides, options.rounds
        )
    ours = Ours(config, (vocabularies[0], vocabularies[1]), device)
    waited = fraction_waited(prepared.data, ours.train_batch)
    peak = machine.gemm_gflops()
    return {
        "preset": preset,
        "device": device.description,
        "processor": machine.processor(),
        "threads": cores(),
        "versions": machine.versions(),
        "parameters": parameters,
        "gemm_gflops": round(peak, 1),
        "train": {
            **_training(config, vocabularies[1], timed, peak),
            "fraction_waited": round(waited, 4),
        },
        "greedy": {"sentences_per_second": _rounded(timed["greedy"][OURS])},
        "beam": {
            "size": config.search.beam_size,
            "sentences_per_second": _rounded(beam["beam"]),
            "fraction_of_step": round(
                beam["beam"].median / beam["steps"].median, 3
            ),
        },
        "startup": started,
        "peak_memory_mib": memory[OURS],
        "profile": {kind: round(part, 4) for kind, part in profile.items()},
        "systems": _by_system(timed, memory),
        "scaling": _scaling(config, vocabularies[1], options),
    }


def _training(
    config: Config,
    vocabulary: int,
    timed: dict[str, dict[str, Timing]],
    peak: float,
) -> dict[str, Any]:
    """Compare the speed of training with that of its matrix products alone.

    Args:
        config: configuration of the preset.
        vocabulary: size of the target vocabulary.
        timed: speeds by task, then by system; the task `dense` is training on
            batches without padding, `real` is training on the corpus.
        peak: highest measured rate of large matrix products, in GFLOP/s.

    Returns:
        The speeds of training, the number of floating-point operations per
        target token, and the speed without padding in two other forms: as a
        fraction of `peak`, and as a fraction of the speed of the products.
    """
    size, length = config.pipeline.batch_size, work.DENSE_LENGTH
    products = training_products(config.model, size, length, length, vocabulary)
    tokens = size * length
    flops = sum(each.flops for each in products) / tokens
    speed = timed["dense"][OURS].median
    return {
        "target_tokens_per_second": round(timed["real"][OURS].median),
        "unpadded_target_tokens_per_second": round(speed),
        "flops_per_target_token": round(flops),
        "fraction_of_peak": round(speed * flops / peak / 1e9, 3),
        "fraction_of_products": round(
            seconds_alone(products) * speed / tokens, 3
        ),
    }


def _scaling(
    config: Config, vocabulary: int, options: Options
) -> dict[str, Any] | None:
    if not options.scaling:
        return None
    return scaling(
        OURS,
        config,
        reference(config, vocabulary),
        seconds=options.seconds,
        rounds=options.rounds,
    )


def _prepare(config: Config, places: Places) -> Prepared:
    corpus = open_corpus(config.corpus, config.cleaning, places)
    sample = sample_pairs(corpus, config.cleaning)
    sides = fit_sides(sample, config.corpus, config.tokenizer)
    data = read_split(corpus, "train", sides, config.pipeline, config.cleaning)
    sources = [sides.source.ids(each) for each, _ in corpus.pairs("validation")]
    return Prepared(
        sides, data, _real(data), work.batches_of(sources[: work.SOURCES])
    )


def _real(data: TrainingData) -> list[work.Batch]:
    """Return batches taken at even distances over an epoch of training.

    Together they have sentences of all lengths.
    """
    batches = (
        work.Batch(
            inputs["source"],
            inputs["target_in"],
            target,
            inputs["source_length"],
            inputs["target_length"],
        )
        for inputs, target, _ in data.epoch(1, 0).as_numpy_iterator()
    )
    return list(work.every(batches, work.REAL_BATCHES, data.steps_per_epoch))


def _peers(config: Config, options: Options) -> list[str]:
    """List the systems to compare with Glimpse's model.

    PyTorch is left out if it is not installed. The list is empty if the
    benchmark has no model in other libraries that is like that of `config`.
    """
    model = config.model
    if model.decoder not in REFERENCES or model.kind != "seq2seq":
        return []
    return [
        name
        for name in options.peers
        if name != "pytorch" or importlib.util.find_spec("torch")
    ]


def _measure(
    systems: Sequence[Worker], options: Options
) -> dict[str, dict[str, Timing]]:
    how: dict[str, Any] = {
        "seconds": options.seconds,
        "rounds": options.rounds,
    }
    searching = [each for each in systems if each.name != "stock-keras"]
    return {
        "dense": in_turns(systems, "train", "dense", **how),
        "real": in_turns(systems, "train", "real", **how),
        "greedy": in_turns(searching, "greedy", **how),
    }


def _beam(ours: Worker, options: Options) -> dict[str, Timing]:
    """Measure the speed of a beam search, and of its decoder steps alone.

    Both are timed in turns. The speed of the decoder steps alone is an upper
    bound of the speed of the search.
    The keys of the result are `beam` and `steps`.
    """
    return alternated(
        {
            do: partial(ours.rate, do, "", options.seconds)
            for do in ("beam", "steps")
        },
        options.rounds,
    )


def _by_system(
    timed: dict[str, dict[str, Timing]], memory: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """Return the speeds and the memory of each system, by its name.

    Each speed is given by the median, the lowest and the highest value, as an
    amount of work per second. The entry `ours_over_it` is Glimpse's speed
    divided by that of the system.

    Args:
        timed: timings by task, then by system.
        memory: largest amount of memory that each system used, in MiB.
    """
    found: dict[str, dict[str, Any]] = {
        name: {"peak_memory_mib": most} for name, most in memory.items()
    }
    for what, timings in timed.items():
        for name, timing in timings.items():
            found[name][what] = {
                "per_second": _rounded(timing),
                "lowest": round(timing.lowest, 1),
                "highest": round(timing.highest, 1),
                "ours_over_it": round(timings[OURS].median / timing.median, 3),
            }
    return found


def _rounded(timing: Timing) -> float:
    return round(timing.median, 1)
