"""Systems in turns, the same work for all, and what is said of it."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from app.config import load_config
from app.experiments.benchmark import report, startup, turns, work
from app.experiments.benchmark.ours import Ours
from app.experiments.benchmark.profile import time_shares
from app.experiments.benchmark.run import OURS, Options, run_benchmark
from app.experiments.benchmark.scaling import Size, axes, reference, scaling
from app.experiments.benchmark.turns import Timing, in_turns
from app.experiments.benchmark.waiting import fraction_waited
from app.experiments.benchmark.worker import measure
from app.inference.translator import Translator
from app.machine.device import pick_device
from app.runs import Run
from data import GlimpseError, Places
from tests.app.tiny import TINY, TinyCorpus

KEYS = {
    *("preset", "device", "processor", "threads", "versions", "parameters"),
    *("gemm_gflops", "train", "greedy", "beam", "peak_memory_mib"),
    *("profile", "systems", "startup", "scaling"),
}


def test_all_get_the_same_work(tmp_path: Path) -> None:
    batches = work.dense(50, 3, source=5, target=7)
    assert batches[0].source.shape == (3, 5)
    assert batches[0].target_out.shape == (3, 7)
    assert batches[0].source_length.tolist() == [5] * 3
    assert batches[0].target_length.tolist() == [7] * 3
    assert batches[0].tokens == 21
    sources = work.batches_of([[5, 3], [4, 9, 3], [6, 7, 8, 3], [3]] * 20)
    assert [each.shape for each in sources] == [(64, 4), (16, 4)]
    assert work.limit(sources[0]) == 10 + 6
    path = tmp_path / "work.npz"
    work.save(path, {"dense": batches, "one": batches[:1]}, sources)
    sets, read = work.load(path)
    assert [len(sets[name]) for name in ("dense", "one")] == [6, 1]
    for one, other in zip(sets["dense"], batches, strict=True):
        np.testing.assert_array_equal(one.source, other.source)
        np.testing.assert_array_equal(one.target_out, other.target_out)
        np.testing.assert_array_equal(one.source_length, other.source_length)
        np.testing.assert_array_equal(one.target_length, other.target_length)
    assert [each.tolist() for each in read] == [
        each.tolist() for each in sources
    ]


class Counting:
    """Does nothing, and counts how often."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def train(self, batches: list[work.Batch]) -> None:
        self.done.append(len(batches))

    def greedy(self, sources: list[np.ndarray]) -> None:
        self.done.append(len(sources))


def test_warm_up_does_not_count() -> None:
    system, batches = Counting(), work.dense(9, 2)
    given = ({"dense": batches}, [np.ones((3, 2), int)] * 4)
    told = {"do": "train", "what": "dense", "seconds": 0}
    found = measure(system, told, given)
    assert system.done == [6, 6]
    assert found["amount"] == 6 * 2 * work.DENSE_LENGTH
    found = measure(system, {"do": "greedy", "seconds": 0}, given)
    assert (system.done[2:], found["amount"]) == ([4, 4], 12)
    found = measure(system, {"do": "greedy", "seconds": 0.01}, given)
    assert found["amount"] == 12 * (len(system.done) - 5)
    assert found["seconds"] >= 0.01


class Planted(turns.Worker):
    """Has a rate for each time it is asked."""

    def __init__(self, name: str, rates: list[float], said: list[str]) -> None:
        self.name = name
        self.rates = rates
        self.said = said

    def rate(self, do: str, what: str, seconds: float, warm: bool) -> float:
        assert warm is (len(self.said) < 2)
        self.said.append(self.name)
        return self.rates.pop(0)


def test_systems_take_turns() -> None:
    said: list[str] = []
    systems = [Planted("a", [1, 5, 3], said), Planted("b", [2, 2, 8], said)]
    found = in_turns(systems, "train", "dense", seconds=1, rounds=3)
    assert said == ["a", "b"] * 3
    assert found == {"a": Timing(3, 1, 5), "b": Timing(2, 2, 8)}


def test_a_system_that_ends_is_named(tmp_path: Path) -> None:
    with pytest.raises(GlimpseError, match="The system nobody ended with"):  # noqa: SIM117
        with turns.workers(["nobody"], tmp_path):
            pass


def planted(started: list[str]) -> Callable[..., tuple[float, float]]:
    """In place of starting commands: notes each, checks that it could run."""

    def run(arguments: list[str], given: str = "") -> tuple[float, float]:
        if arguments[0] == "-c":
            started.append("tensorflow")
            return 5.0, 50.0
        if arguments[-1] == "--help":
            started.append("help")
            return 20.0, 0.3
        assert arguments[:3] == ["-m", "app", "translate"]
        assert given.strip()
        Translator.load(Path(arguments[3]))
        started.append("translate")
        return 6.25, 60.0

    return run


def test_start_up_is_counted_apart_from_tensorflow(
    tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        "app.experiments.benchmark.startup._run", planted(started)
    )
    run = Run.open(tiny_run)
    found = startup.startup(
        tmp_path / "run", run.config, run.load_sides(), rounds=2
    )
    assert started == ["tensorflow", "translate", "help"] * 2
    assert found == {
        "seconds": 1.25,
        "tensorflow_seconds": 5.0,
        "help_seconds": 0.3,
    }


def test_processor_time_is_not_time_by_the_clock() -> None:
    used, waited = startup._run(["-c", "import time; time.sleep(1)"])
    assert used < 0.5
    assert waited >= 1


def test_waiting_for_batches_is_a_part_of_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def clock() -> float:
        return now

    class Data:
        steps_per_epoch = 101

        def epoch(self, seed: int, epoch: int) -> Iterator[float]:
            nonlocal now
            for wait in [30.0, 1.0, 3.0, 1000.0]:
                now += wait
                yield wait

    def train(batch: float) -> None:
        nonlocal now
        now += 500.0 if batch == 30.0 else 8.0  # its graph is made

    monkeypatch.setattr(
        "app.experiments.benchmark.waiting.time.perf_counter", clock
    )
    found = fraction_waited(Data(), train, steps=2)  # type: ignore[arg-type]
    waited = 30 + 100 * 2
    assert found == pytest.approx(waited / (waited + 101 * 8))


def test_each_size_is_changed_alone() -> None:
    about = Size(18, 18, 64, 8000, 256, 6)
    found = axes(about)
    assert list(found) == [each.name for each in fields(Size)]
    for axis, sizes in found.items():
        assert about in sizes
        for size in sizes:
            assert replace(size, **{axis: getattr(about, axis)}) == about
    assert [size.cores for size in found["cores"]] == [1, 2, 4, 6]
    assert [size.batch for size in found["batch"]] == [16, 32, 64, 128]
    assert [size.source_length for size in found["source_length"]] == [
        *(9, 18, 36, 72)
    ]


def test_a_system_of_each_size_is_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = load_config("phrasebook", [*TINY, "model.decoder_units=4"])
    about = replace(reference(config, 40), batch=8, cores=2)

    @contextmanager
    def planted(
        system: str, folder: Path, *, name: str, cores: int
    ) -> Iterator[turns.Worker]:
        assert system == OURS
        model = load_config(folder / "config.yaml").model
        (vocabulary, same) = json.loads((folder / "shape.json").read_text())[
            "vocabularies"
        ]
        assert vocabulary == same
        batch = work.load(folder / "work.npz")[0]["dense"][0]
        assert batch.target_in.max() < vocabulary
        rows, source = batch.source.shape
        rate = source * 1e0 + batch.target_in.shape[1] * 1e3 + rows * 1e6
        rate += model.decoder_units * 1e8 + cores * 1e10 + vocabulary * 1e11
        yield Steady(name, rate)

    monkeypatch.setattr("app.experiments.benchmark.scaling.worker", planted)
    found = scaling(OURS, config, about, seconds=0, rounds=1)
    same = 18 + 18e3 + 8e6 + 4e8 + 2e10 + 40e11
    worth = {"source_length": 1, "target_length": 1e3, "batch": 1e6}
    worth |= {"units": 1e8, "cores": 1e10, "vocabulary": 1e11}
    assert set(found) == set(worth)
    for axis, points in found.items():
        assert len(points) == (2 if axis == "cores" else 4)
        for point in points:
            more = point["value"] - getattr(about, axis)
            rate = same + more * worth[axis]
            assert point["target_tokens_per_second"] == rate
    shown = "\n".join(report._scaling(found))
    assert "source length" in shown
    assert "4,020,408,018,018" in shown


class Steady(turns.Worker):
    """Has one rate."""

    def __init__(self, name: str, steady: float) -> None:
        self.name = name
        self.steady = steady

    def rate(self, do: str, what: str, seconds: float, warm: bool) -> float:
        assert (do, what) == ("train", "dense")
        return self.steady


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen here"
)
def test_a_system_has_the_cores_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import json, os, time\n"
        "while len(os.sched_getaffinity(0)) > 1: time.sleep(.01)\n"
        "print(json.dumps({'parameters': 7}))"
    )
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with turns.worker("any", tmp_path, name="one", cores=1) as system:
        assert (system.name, system.parameters) == ("one", 7)


def test_the_benchmark_of_a_tiny_preset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "app.experiments.benchmark.run.open_corpus",
        lambda *places: TinyCorpus(),
    )
    started: list[str] = []
    monkeypatch.setattr(
        "app.experiments.benchmark.startup._run", planted(started)
    )
    config = load_config("phrasebook", [*TINY, "search.beam_size=2"])
    options = Options(seconds=0, rounds=1, peers=())
    found = run_benchmark("tiny", config, options, Places())
    assert set(found) == KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["systems"]) == {OURS}
    ours: dict[str, Any] = found["systems"][OURS]
    assert set(ours) == {"dense", "real", "greedy", "beam", "peak_memory_mib"}
    assert ours["dense"]["ours_over_it"] == 1
    assert found["beam"]["size"] == 2
    assert started == ["tensorflow", "translate", "help"]
    assert found["scaling"] is None
    assert 0 < found["train"]["fraction_waited"] < 1
    assert 0 < found["beam"]["fraction_of_step"] < 9
    assert 0 < found["train"]["fraction_of_peak"] < 1
    assert sum(found["profile"].values()) == pytest.approx(1, abs=0.01)
    shown = report.table(found)
    assert re.search("unpadded +glimpse", shown)
    assert "Beam, share of its steps" in shown
    assert all(line == line.rstrip() for line in shown.split("\n"))


@pytest.mark.parametrize("tied", [True, False])
def test_sentences_are_translated_to_their_limit(tied: bool) -> None:
    config = load_config("phrasebook", [*TINY, f"model.tied_embeddings={tied}"])
    ours = Ours(config, (23, 29), pick_device())
    sources = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
    given = tf.constant(sources), tf.constant(work.lengths(sources))
    for search in (ours.search_greedy, ours.search_beam):
        lengths = search(*given).lengths[:, 0].numpy().tolist()
        assert lengths == [10 + 6, 10 + 3]


def test_a_profile_names_what_was_done() -> None:
    square = tf.random.normal((300, 300))
    product = tf.function(lambda: tf.linalg.matmul(square, square) + 1.0)
    product()
    found = time_shares(lambda: [product() for _ in range(5)])
    assert "MatMul" in max(found, key=lambda kind: found[kind])
    assert sum(found.values()) == pytest.approx(1)


def test_stock_keras_learns() -> None:
    from app.experiments.benchmark.stock_keras import StockKeras

    system = StockKeras(23, units=5, embedding=7)
    _learns(system, lambda: system.model.get_weights())


@pytest.mark.parametrize("decoder", ["bahdanau", "luong"])
def test_pytorch_learns_and_translates(decoder: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is only ever a peer")
    from app.experiments.benchmark.pytorch import PyTorch

    system = PyTorch(decoder, 23, units=5, embedding=7)
    every = list(system.network.parameters())
    _learns(system, lambda: [each.detach().numpy().copy() for each in every])
    system.greedy(work.batches_of([[5, 3], [6, 7, 3]]))


def _learns(system: work.System, weights: Any) -> None:
    """Every weight changes, and there are as many as it says."""
    before = weights()
    assert system.parameters == sum(each.size for each in before)
    system.train(work.dense(23, 2)[:2])
    for one, other in zip(before, weights(), strict=True):
        assert not np.array_equal(one, other)
