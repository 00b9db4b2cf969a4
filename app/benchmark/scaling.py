"""How the speed of training grows with what is trained, one size at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.benchmark import work
from app.benchmark.turns import Worker, in_turns, worker
from app.benchmark.worker import CONFIG, SHAPE, WORK
from app.config import Config, changed, save_config
from app.device import cores

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
    """What is trained: without padding, on so many cores.

    Attributes:
        source_length: tokens.
        target_length: tokens.
        batch: sentences.
        vocabulary: of both sides.
        units: of the decoder; other sizes of the model keep their ratio to it.
        cores: used.
    """

    source_length: int
    target_length: int
    batch: int
    vocabulary: int
    units: int
    cores: int


def reference(config: Config, vocabulary: int) -> Size:
    """The size about which each part is varied."""
    return Size(
        work.DENSE_LENGTH,
        work.DENSE_LENGTH,
        config.pipeline.batch_size,
        vocabulary,
        config.model.decoder_units,
        cores(),
    )


def axes(about: Size) -> dict[str, list[Size]]:
    """Sizes by the part that differs, ascending; `about` is among each."""
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
    """Time training at each size of `axes`, those of an axis in turns.

    Args:
        system: what is timed.
        config: the model's, at the size `about`.
        about: see `reference`.
        seconds: of each timing, at least.
        rounds: timings of each size.
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
    """What a worker needs."""
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
