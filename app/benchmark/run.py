"""The benchmark of a preset: what is measured, and what it is measured by."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from app.benchmark import machine, work
from app.benchmark.ours import Ours
from app.benchmark.products import seconds_alone, training_products
from app.benchmark.scaling import reference, scaling
from app.benchmark.startup import startup
from app.benchmark.turns import Timing, Worker, alternated, in_turns, workers
from app.benchmark.waiting import fraction_waited
from app.benchmark.worker import CONFIG, SHAPE, WORK
from app.config import Config, save_config
from app.device import cores, pick_device
from app.run import Tokenizers, open_corpus, sample_pairs, train_tokenizers
from data.pipeline import TrainingData, read_split

OURS = "glimpse"
PEERS = ("pytorch", "stock-keras")
REFERENCES = ("bahdanau", "luong")  # decoders that peers are written for


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        seconds: of each timing, at least.
        rounds: timings of each system, in turns.
        peers: which other systems; those not installed are left out.
        scaling: whether to vary each size about the preset's, which takes
            minutes.
    """

    seconds: float = 10.0
    rounds: int = 3
    peers: tuple[str, ...] = PEERS
    scaling: bool = False


class Prepared(NamedTuple):
    """What is timed with.

    Attributes:
        tokenizers: of the preset.
        data: the batches of training.
        real: some of them, from all over an epoch.
        sources: batches to translate.
    """

    tokenizers: Tokenizers
    data: TrainingData
    real: list[work.Batch]
    sources: list[Any]


def benchmark(
    preset: str,
    config: Config,
    options: Options,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> dict[str, Any]:
    """Measure a preset here: the object of `benchmark --json`."""
    device = pick_device()
    prepared = _prepare(config, data_dir, cache_dir)
    vocabularies = [each.vocabulary_size for each in prepared.tokenizers]
    size = config.pipeline.batch_size
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dense = work.dense(vocabularies[1], size)
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
            folder / "run", config, prepared.tokenizers, options.rounds
        )
    ours = Ours(config, (vocabularies[0], vocabularies[1]), device)
    waited = fraction_waited(prepared.data, ours.train_batch)
    peak = machine.gemm_gflops()
    products = training_products(
        config.model,
        size,
        work.DENSE_LENGTH,
        work.DENSE_LENGTH,
        vocabularies[1],
    )
    tokens = size * work.DENSE_LENGTH
    flops = sum(each.flops for each in products) / tokens
    speed = timed["dense"][OURS].median
    return {
        "preset": preset,
        "device": device.description,
        "processor": machine.processor(),
        "threads": cores(),
        "versions": machine.versions(),
        "parameters": parameters,
        "gemm_gflops": round(peak, 1),
        "train": {
            "target_tokens_per_second": round(timed["real"][OURS].median),
            "unpadded_target_tokens_per_second": round(speed),
            "flops_per_target_token": round(flops),
            "fraction_of_peak": round(speed * flops / peak / 1e9, 3),
            "fraction_of_products": round(
                seconds_alone(products) * speed / tokens, 3
            ),
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


def _prepare(
    config: Config, data_dir: Path | None, cache_dir: Path | None
) -> Prepared:
    corpus = open_corpus(config, data_dir, cache_dir)
    tokenizers = train_tokenizers(
        sample_pairs(corpus, config.cleaning), config.tokenizer
    )
    data = read_split(
        corpus, "train", tokenizers, config.pipeline, config.cleaning
    )
    found = [_ids(tokenizers, each) for each, _ in corpus.pairs("validation")]
    return Prepared(
        tokenizers, data, _real(data), work.batches_of(found[: work.SOURCES])
    )


def _ids(tokenizers: Tokenizers, source: str) -> list[int]:
    return [*tokenizers.source.encode(source), tokenizers.source.EOS]


def _real(data: TrainingData) -> list[work.Batch]:
    """Batches from all over an epoch: of each length as it has them."""
    batches = (
        work.Batch(inputs["source"], inputs["target_in"], target)
        for inputs, target, _ in data.epoch(1, 0).as_numpy_iterator()
    )
    return list(work.every(batches, work.REAL_BATCHES, data.steps_per_epoch))


def _peers(config: Config, options: Options) -> list[str]:
    """Those that do the same as this configuration, and are installed."""
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
    """Search with a beam, in turns with its steps alone, which bound it."""
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
    """Rates with their range, and ours over each, by system."""
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
