"""Import of modules by the names that they had before version 0.2.

The old names work for one release. After `import app.run`, for example, each
attribute of the old module `app.run` is looked up in the new modules that have
its contents. A DeprecationWarning gives the new place of the attribute.
"""

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# For each old module, the new modules that its names have moved to.
MOVED: dict[str, tuple[str, ...]] = {
    "app.aligning": ("app.inference.aligning",),
    "app.benchmark": ("app.experiments.benchmark",),
    **{
        f"app.benchmark.{name}": (f"app.experiments.benchmark.{name}",)
        for name in (
            *("machine", "ours", "products", "profile", "report", "run"),
            *("scaling", "startup", "stock_keras", "turns", "waiting"),
            *("work", "worker"),
        )
    },
    "app.bleu_tokenizers": ("app.metrics.bleu_tokenizers",),
    "app.cautions": ("app.inference.cautions",),
    "app.chatter": ("app.machine.chatter",),
    "app.checkpoints": ("app.training.checkpoints",),
    "app.control_groups": ("app.machine.control_groups",),
    "app.device": ("app.machine.device",),
    "app.evaluation": (
        *("app.measuring.evaluation", "app.measuring.tables"),
        *("app.measuring.saving", "app.measuring.measure"),
    ),
    "app.evaluation_sets": ("app.measuring.sets",),
    "app.kept": ("app.measuring.keeping",),
    "app.lines": ("app.inference.lines",),
    "app.notebook": ("app.experiments.notebook",),
    "app.plots.labels": ("app.plots.line_ends",),
    "app.plots.search": ("app.plots.parallel", "app.plots.parameters"),
    "app.preparation": ("app.runs.preparation", "app.commands.prepare"),
    "app.processes": ("app.machine.processes",),
    "app.report": ("app.commands.train",),
    "app.resuming": ("app.training.resuming",),
    "app.run": (
        *("app.runs", "data.writing", "models.architecture"),
        *("data.sides", "data", "app.runs.folder"),
    ),
    "app.scores": ("app.metrics.text",),
    "app.shell": ("app.machine.shell",),
    "app.translator": ("app.inference", "models.decoding"),
    "app.variants": ("app.experiments.variants",),
    "app.variants_table": ("app.experiments.variants_table",),
    "app.watch": ("app.training.watch",),
    "app.yaml_text": ("app.config.yaml_text",),
    "data.corpora.alignments": ("data.corpora.multi30k_tokens",),
    "data.corpora.columns": ("data.corpora.tsv",),
    "data.pipeline": ("data.steps", "data.training_data"),
    "models.extensions": ("models.search.extensions",),
    "models.naming": ("data.naming",),
    "models.translation": ("models.sequence_model",),
}
RENAMED = {
    "TranslationModel": "SequenceModel",
    "Tokenizers": "Sides",
    "train_tokenizers": "fit_sides",
}


def look_up(old: str, places: tuple[str, ...], name: str) -> Any:
    """Find an object by its old module and name, and warn that it has moved.

    The DeprecationWarning gives the new module and the new name of the object.

    Args:
        old: name of the old module.
        places: names of the new modules that the object may be in.
        name: name of the object in the old module.

    Raises:
        AttributeError: none of the new modules has the object.
    """
    now = RENAMED.get(name, name)
    for place in places:
        module = importlib.import_module(place)
        if not name.startswith("__") and hasattr(module, now):
            warnings.warn(
                f"{old}.{name} is now {place}.{now}; the next release removes "
                "the old name",
                DeprecationWarning,
                stacklevel=3,
            )
            return getattr(module, now)
    raise AttributeError(f"module {old!r} has no attribute {name!r}")


class _Old(ModuleType):
    """Stand-in for an old module; its attributes come from new modules."""

    def __getattr__(self, name: str) -> Any:
        return look_up(self.__name__, MOVED[self.__name__], name)


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Old(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: `_Old` looks up each attribute when it is accessed."""


class Finder(MetaPathFinder):
    """Import finder that returns a stand-in for each old module."""

    @staticmethod
    def find_spec(
        fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname not in MOVED:
            return None
        return ModuleSpec(fullname, _Loader(), is_package=True)


def install() -> None:
    """Make old modules importable; a second call changes nothing."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)
