"""One system in a process of its own: built, warmed up, timed when told.

Several such processes wait for their turns, so that systems are timed one
after another, over and over, on the same machine: python -m
app.benchmark.worker SYSTEM FOLDER. What it is told is a line of JSON on its
standard input, `{"do": "train", "what": "dense", "seconds": 10}`; it answers
with another one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.benchmark import work
from app.config import Config, load_config

WORK = "work.npz"
CONFIG = "config.yaml"
SHAPE = "shape.json"  # sizes of the vocabularies


def build(name: str, folder: Path) -> Any:
    """The system called `name`, for what `folder` holds."""
    config = load_config(folder / CONFIG)
    vocabularies = json.loads((folder / SHAPE).read_text())["vocabularies"]
    return SYSTEMS[name](config, vocabularies)


def _ours(config: Config, vocabularies: list[int]) -> Any:
    from app.benchmark.ours import Ours
    from app.device import pick_device

    device = pick_device()
    device.share_cores(config.training.parts)
    return Ours(config, (vocabularies[0], vocabularies[1]), device)


def _pytorch(config: Config, vocabularies: list[int]) -> Any:
    from app.benchmark.pytorch import PyTorch

    model = config.model
    return PyTorch(
        model.decoder,
        vocabularies[0],
        model.decoder_units,
        model.embedding_units,
    )


def _stock_keras(config: Config, vocabularies: list[int]) -> Any:
    from app.benchmark.stock_keras import StockKeras

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
    """What was told, done."""
    if told["do"] == "profile":
        from app.benchmark.profile import shares

        (what, _) = given
        return {"shares": shares(lambda: system.train(what[told["what"]]))}
    return measure(system, told, given)


def measure(system: Any, told: dict[str, Any], given: Any) -> dict[str, Any]:
    """Do what was told for so long at least, and say how much that was."""
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
        run(what)  # graphs are made, caches are warm
    times = 0
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < told["seconds"] or not times:
        run(what)
        times += 1
        now = time.perf_counter()
    return {"amount": times * amount, "seconds": now - began}


def main() -> None:
    """Answer line after line."""
    from app.benchmark.machine import peak_memory_mib

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
