"""Names of before version 0.2 are found where they are now, with a warning."""

import importlib
import re
import sys
from importlib.util import find_spec

import pytest

from data.moved import LEFT, MOVED, Finder, install


@pytest.mark.parametrize(
    ("module", "name", "place"),
    [
        ("app.run", "Run", "app.runs"),
        ("app.run", "replacing", "data.writing"),
        ("app.run", "build_model", "models.architecture"),
        ("app.translator", "Translator", "app.inference"),
        ("app.translator", "search_graph", "models.decoding"),
        ("app.evaluation", "evaluate", "app.measuring.evaluation"),
        ("app.evaluation", "load_attention", "app.measuring.saving"),
        ("app.notebook", "open_runs", "app.experiments.notebook"),
        ("app.benchmark.work", "dense", "app.experiments.benchmark.work"),
        ("app.plots.labels", "direct_labels", "app.plots.line_ends"),
        ("app.plots.search", "score_by_parameter", "app.plots.parameters"),
        ("data.corpora.columns", "Columns", "data.corpora.tsv"),
        ("models.extensions", "Unnormalised", "models.search.extensions"),
        ("data.pipeline", "TrainingData", "data.training_data"),
        ("data.pipeline", "bucket", "data.steps"),
    ],
)
def test_a_name_is_found_where_it_is_now(
    module: str, name: str, place: str
) -> None:
    old = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"{name} is now {place}"):
        found = getattr(old, name)
    assert found is getattr(importlib.import_module(place), name)


def test_a_name_that_is_another_one_now_is_found_too() -> None:
    import models

    with pytest.warns(DeprecationWarning, match=r"is now models\.Sequence"):
        found = getattr(models, "TranslationModel")  # noqa: B009
    assert found is models.SequenceModel


@pytest.mark.parametrize(
    ("old", "now"),
    [
        (f"{module}.{name}", now)
        for module, names in LEFT.items()
        for name, now in names.items()
    ],
)
def test_a_name_that_left_its_module_is_found(old: str, now: str) -> None:
    place, _, name = now.rpartition(".")
    here = getattr(importlib.import_module(place), name)
    module, _, before = old.rpartition(".")
    with pytest.warns(DeprecationWarning, match=re.escape(f"is now {now}")):
        assert getattr(importlib.import_module(module), before) is here


def test_an_old_name_is_found_if_its_module_came_before_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import app.config

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    sys.meta_path.remove(Finder)
    monkeypatch.delitem(vars(app.config), "__getattr__")
    assert not hasattr(app.config, "one_of")
    install()
    with pytest.warns(DeprecationWarning, match="one_of"):
        assert hasattr(app.config, "one_of")


@pytest.mark.parametrize("module", MOVED)
def test_every_place_is_there(module: str) -> None:
    assert all(find_spec(place) for place in MOVED[module])


@pytest.mark.parametrize("module", ["app.run", "app.config", "models"])
def test_a_name_that_a_module_never_had_is_not_found(module: str) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        importlib.import_module(module).nothing  # noqa: B018


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"app\.nothing"):
        importlib.import_module("app.nothing")
