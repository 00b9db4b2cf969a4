"""Speed of training when one size, such as the batch size, is varied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.config import Config, changed, save_config
from app.experiments.benchmark import work
from app.experiments.benchmark.turns import Worker, in_turns, worker
from app.experiments.benchmark.worker import CONFIG, SHAPE, WORK
from app.machine.device import cores

UNITS = ("embedding", "encoder", "decoder", "attention")
FACTORS = {
    "source_length": (0.5, 1, 2, 4),
    "target_length": (0.5, 1, 2, 4),
    "batch": (0.25, 0.5, 1, 2),
    "vocabulary": (0.25, 0.5, 1, 2),
    "units": (0.25, 0.5, 1, 2),
}


@dataclass(frozen=True)
class Size:
    """Sizes of the batches and of the model for one timing of training.

    The batches have no padding.

    Attributes:
        source_length: number of tokens of each source.
        target_length: number of tokens of each target.
        batch: number of sentences in each batch.
        vocabulary: size of the source and of the target vocabulary.
        units: number of units of the decoder. If it is varied, the numbers of
            units of embeddings, encoder and attention change by the same
            factor.
        cores: number of the processor's cores that are used.
    """

    source_length: int
    target_length: int
    batch: int
    vocabulary: int
    units: int
    cores: int


def reference(config: Config, vocabulary: int) -> Size:
    """Return the sizes of a preset's model and batches.

    The function `axes` varies these sizes. The lengths of the sentences do not
    come from the preset; they are the default lengths of `work.dense`.

    Args:
        config: configuration of the preset.
        vocabulary: size of the source and of the target vocabulary.
    """
    return Size(
        work.DENSE_LENGTH,
        work.DENSE_LENGTH,
        config.pipeline.batch_size,
        vocabulary,
        config.model.decoder_units,
        cores(),
    )


def axes(about: Size) -> dict[str, list[Size]]:
    """Return, for each attribute, sizes that differ only in that attribute.

    Args:
        about: the original size. Each list of the result contains it too.

    Returns:
        A mapping whose keys are the attributes of `Size`, and whose values are
        lists of sizes in ascending order of that attribute.
    """
    values = {
        axis: [max(1, round(getattr(about, axis) * each)) for each in factors]
        for axis, factors in FACTORS.items()
    }
    values["cores"] = [*_doubled(about.cores), about.cores]
    return {
        axis: [replace(about, **{axis: value}) for value in some]
        for axis, some in values.items()
    }


def _doubled(limit: int) -> Iterator[int]:
    number = 1
    while number < limit:
        yield number
        number *= 2


def scaling(
    system: str, config: Config, about: Size, *, seconds: float, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Measure the speed of training at each of the sizes that `axes` returns.

    The sizes that differ in the same attribute are timed in turns.

    Args:
        system: name of the system to time, such as "glimpse".
        config: configuration of the model, before its size is varied.
        about: the sizes to vary, see `reference`.
        seconds: least duration of each timing, in seconds.
        rounds: number of timings of each size; the result is their median.

    Returns:
        For each attribute of `Size`, a list with an entry for each value of the
        attribute. An entry has the value and the speed of training.
    """
    return {
        axis: [
            {
                "value": getattr(size, axis),
                "target_tokens_per_second": round(rate),
            }
            for size, rate in _timed(
                system, config, about, sizes, seconds, rounds
            )
        ]
        for axis, sizes in axes(about).items()
    }


def _timed(
    system: str,
    config: Config,
    about: Size,
    sizes: list[Size],
    seconds: float,
    rounds: int,
) -> list[tuple[Size, float]]:
    with TemporaryDirectory() as scratch, ExitStack() as stack:
        workers: list[Worker] = []
        for number, size in enumerate(sizes):
            folder = Path(scratch) / str(number)
            _write(folder, config, about, size)
            started = worker(system, folder, name=str(number), cores=size.cores)
            workers.append(stack.enter_context(started))
        found = in_turns(
            workers, "train", "dense", seconds=seconds, rounds=rounds
        )
    rates = [found[each.name].median for each in workers]
    return list(zip(sizes, rates, strict=True))


def _write(folder: Path, config: Config, about: Size, size: Size) -> None:
    """Create a folder, and write the files there that a worker process reads.

    Args:
        folder: the new folder.
        config: configuration of the original model.
        about: original size of the model and of its batches.
        size: size of the model and batches that the worker process will time.
    """
    folder.mkdir()
    sizes = asdict(config.model)
    scaled = [
        f"model.{each}_units="
        f"{max(1, sizes[f'{each}_units'] * size.units // about.units)}"
        for each in UNITS
        if size.units != about.units
    ]
    save_config(changed(config, scaled), folder / CONFIG)
    shape = {"vocabularies": [size.vocabulary] * 2}
    (folder / SHAPE).write_text(json.dumps(shape))
    dense = work.dense(
        size.vocabulary, size.batch, size.source_length, size.target_length
    )
    work.save(folder / WORK, {"dense": dense}, [])
