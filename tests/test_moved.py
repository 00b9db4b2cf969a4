"""Names of before version 0.2 are found where they are now, with a warning."""

import importlib

import pytest

from data.moved import MOVED


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
    from models import SequenceModel

    with pytest.warns(DeprecationWarning, match=r"models\.SequenceModel"):
        from models import TranslationModel
    assert TranslationModel is SequenceModel
    old = importlib.import_module("models.translation")
    with pytest.warns(DeprecationWarning, match="is now models.sequence"):
        assert old.TranslationModel is SequenceModel


@pytest.mark.parametrize("module", MOVED)
def test_every_place_is_there(module: str) -> None:
    for place in MOVED[module]:
        importlib.import_module(place)
    old = importlib.import_module(module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        old.nothing  # noqa: B018


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"app\.nothing"):
        importlib.import_module("app.nothing")
