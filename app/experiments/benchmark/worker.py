"""Worker process of the benchmark: it runs one system, and times its tasks.

A system is a model written with one of the libraries that are compared. Each
system has a worker process, which is started with

    python -m app.experiments.benchmark.worker SYSTEM FOLDER

The process reads tasks from its standard input, one line of JSON for each task,
such as `{"do": "train", "what": "dense", "seconds": 10}`. It answers each
task with a line of JSON. Between tasks it waits, so that the benchmark can time
several systems in turns on the same machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.config import Config, load_config
from app.experiments.benchmark import work

WORK = "work.npz"
CONFIG = "config.yaml"
SHAPE = "shape.json"  # has the sizes of the vocabularies


def build(name: str, folder: Path) -> Any:
    """Build the system called `name`.

    Args:
        name: name of the system, a key of `SYSTEMS`.
        folder: folder with the model's configuration, and with the sizes of its
            vocabularies.
    """
    config = load_config(folder / CONFIG)
    vocabularies = json.loads((folder / SHAPE).read_text())["vocabularies"]
    return SYSTEMS[name](config, vocabularies)


def _ours(config: Config, vocabularies: list[int]) -> Any:
    from app.experiments.benchmark.ours import Ours
    from app.machine.device import pick_device

    device = pick_device()
    device.share_cores(config.training.parts)
    return Ours(config, (vocabularies[0], vocabularies[1]), device)


def _pytorch(config: Config, vocabularies: list[int]) -> Any:
    from app.experiments.benchmark.pytorch import PyTorch

    model = config.model
    return PyTorch(
        model.decoder,
        vocabularies[0],
        model.decoder_units,
        model.embedding_units,
    )


def _stock_keras(config: Config, vocabularies: list[int]) -> Any:
    from app.experiments.benchmark.stock_keras import StockKeras

    model = config.model
    return StockKeras(
        vocabularies[0], model.decoder_units, model.embedding_units
    )


SYSTEMS: dict[str, Callable[[Config, list[int]], Any]] = {
    "glimpse": _ours,
    "pytorch": _pytorch,
    "stock-keras": _stock_keras,
}


def answer(system: Any, told: dict[str, Any], given: Any) -> dict[str, Any]:
    """Do a task: profile training, or measure a speed.

    Args:
        system: the system that does the task.
        told: the task, as it was read from JSON. The key `do` has the name of
            the task; further keys have its options.
        given: result of `work.load`: sets of training batches by name, and
            batches of sources.

    Returns:
        The measurements, which can be written as JSON.
    """
    if told["do"] == "profile":
        from app.experiments.benchmark.profile import time_shares

        (what, _) = given
        return {"shares": time_shares(lambda: system.train(what[told["what"]]))}
    return measure(system, told, given)


def measure(system: Any, told: dict[str, Any], given: Any) -> dict[str, Any]:
    """Repeat a task until a given time has passed, to measure its speed.

    Args:
        system: the system that does the task.
        told: the task. The key `do` has "train", or the name of another method
            of the system, such as "greedy". The key `what` has the name of the
            set of batches to train on; `seconds` has the least duration, and
            `warm` says whether to do the task once before the timing.
        given: result of `work.load`: sets of training batches by name, and
            batches of sources.

    Returns:
        Two numbers over all repetitions: `amount` is the number of target
        tokens in training, or the number of sentences in translation, and
        `seconds` is the duration.
    """
    sets, sources = given
    if told["do"] == "train":
        what = sets[told["what"]]
        amount = sum(batch.tokens for batch in what)
        run = system.train
    else:
        what = sources
        amount = sum(len(batch) for batch in sources)
        run = getattr(system, told["do"])
    if told.get("warm", True):
        run(what)  # builds graphs and fills caches before the timing
    times = 0
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < told["seconds"] or not times:
        run(what)
        times += 1
        now = time.perf_counter()
    return {"amount": times * amount, "seconds": now - began}


def main() -> None:
    """Run the worker process: build the system, then do each task it reads.

    The first line printed has the system's number of parameters. Each further
    line is the answer to a line of the standard input.
    """
    from app.experiments.benchmark.machine import peak_memory_mib

    name, folder = sys.argv[1], Path(sys.argv[2])
    given = work.load(folder / WORK)
    system = build(name, folder)
    print(json.dumps({"parameters": system.parameters}), flush=True)
    for line in sys.stdin:
        found = answer(system, json.loads(line), given)
        found["peak_memory_mib"] = round(peak_memory_mib(), 1)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
