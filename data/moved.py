"""Support for old names of modules and their contents, from before version 0.2.

The old names work for one release; a DeprecationWarning gives the new name. If
a whole module has moved, an attribute of the old module, such as a function, is
looked up in the new modules. If a module still exists, but a class, function or
constant of it has moved to another module or been renamed, the old name can
still be imported from the old module.
"""

import importlib
import sys
import warnings
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

# For each old module, the new modules that its names have moved to.
MOVED: dict[str, tuple[str, ...]] = {
    "app.aligning": ("app.inference.aligning", "app.alignment.scoring"),
    "app.benchmark": ("app.experiments.benchmark",),
    **{
        f"app.benchmark.{name}": (f"app.experiments.benchmark.{name}",)
        for name in (
            *("machine", "ours", "products", "profile", "pytorch"),
            *(
                "report",
                "run",
                "scaling",
                "startup",
                "stock_keras",
                "turns",
                "waiting",
            ),
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
# For each old module, the new places of the names that are elsewhere than its
# other contents, or are other names now.
LEFT: dict[str, dict[str, str]] = {
    "app.alignment.views": {
        "END": "data.modalities.text.END",
    },
    "app.benchmark.profile": {
        "shares": "app.experiments.benchmark.profile.time_shares",
    },
    "app.benchmark.run": {
        "benchmark": "app.experiments.benchmark.run.run_benchmark",
    },
    "app.config": {
        "ATTENTION_LOSSES": "app.config.options.ATTENTION_LOSSES",
        "Count": "data.validation.Count",
        "Files": "data.validation.Names",
        "Natural": "data.validation.Natural",
        "Positive": "data.validation.Positive",
        "Rate": "data.validation.Rate",
        "STRICT": "data.validation.STRICT",
        "one_of": "data.validation.one_of",
    },
    "app.plots.curves": {
        "read_history": "app.runs.read_history",
    },
    "app.plots.search": {
        "PALEST": "app.plots.trials.PALEST",
        "Search": "app.plots.trials.Trials",
    },
    "app.processes": {
        "FAILED_BY_ITSELF": "app.child.FAILED_BY_ITSELF",
        "shares": "app.machine.processes.core_sets",
    },
    "app.run": {
        "PACKAGES": "app.runs.versions.PACKAGES",
        "Tokenizers": "data.sides.Sides",
        "train_tokenizers": "data.sides.fit_sides",
    },
    "app.training": {
        "SHOWN_EVERY": "app.training.loop.SHOWN_EVERY",
        "compile_model": "app.training.compiled.compile_model",
        "graph": "app.training.compiled.graph",
        "inventory": "app.training.opening.inventory",
        "load_guide": "app.training.opening.load_guide",
        "prepare_tokenizers": "app.training.opening.prepare_sides",
    },
    "app.translator": {
        "BATCH_SIZE": "app.inference.batching.BATCH_SIZE",
        "FULL_LENGTH": "app.inference.batching.FULL_LENGTH",
        "LEAST_DIVIDED": "app.inference.translator.LEAST_DIVIDED",
    },
    "app.tuning.folder": {
        "Clock": "app.tuning.clock.Clock",
    },
    "app.tuning.search": {
        "search": "app.tuning.search.search_alone",
    },
    "app.tuning.space": {
        "ACCEPTED": "app.tuning.space_files.ACCEPTED",
        "load_space": "app.tuning.space_files.load_space",
        "read_space": "app.tuning.space_files.read_space",
        "space_path": "app.tuning.space_files.space_path",
    },
    "app.tuning.trials": {
        "Place": "app.tuning.trials.Post",
    },
    "app.tuning.workers": {
        "Watch": "app.tuning.workers.Vigil",
    },
    "app.web.request": {
        "explain": "app.web.request.refusal",
    },
    "data.corpora.alignments": {
        "flip_links": "data.links.flip_links",
    },
    "data.corpora.phrasebook.surface": {
        "Pair": "data.corpora.phrasebook.surface.WrittenPair",
    },
    "data.pipeline": {
        "keep_lengths": "data.steps.keep_fitting",
        "tokenize": "data.steps.encode",
    },
    "data.survey": {
        "Side": "data.survey.SideSurvey",
    },
    "models": {
        "TranslationModel": "models.SequenceModel",
    },
    "models.attention": {
        "Places": "models.attention.base.PlaceContexts",
    },
    "models.attention.base": {
        "Places": "models.attention.base.PlaceContexts",
    },
    "models.decoder.stepping": {
        "Seen": "models.decoder.stepping.Glance",
    },
    "models.fused.attending": {
        "conditional_loop": "models.fused.conditional.conditional_loop",
        "softmax": "models.fused.looking.softmax",
        "softmax_back": "models.fused.looking.softmax_back",
    },
    "models.search": {
        "LEAST_BUSY": "models.search.walk.LEAST_BUSY",
    },
    "models.translation": {
        "TranslationModel": "models.sequence_model.SequenceModel",
    },
}


def look_up(old: str, name: str) -> Any:
    """Find an object by its old module and name, and warn that it has moved.

    The DeprecationWarning gives the new module and the new name of the object.

    Args:
        old: name of the old module.
        name: name of the object in the old module.

    Raises:
        AttributeError: the object is in none of the new places.
    """
    at_once = LEFT.get(old, {}).get(name)
    for now in [at_once] if at_once else _places(old, name):
        place, _, attribute = now.rpartition(".")
        module = importlib.import_module(place)
        if hasattr(module, attribute):
            warnings.warn(
                f"{old}.{name} is now {now}; the next release removes the old "
                "name",
                DeprecationWarning,
                stacklevel=3,
            )
            return getattr(module, attribute)
    raise AttributeError(f"module {old!r} has no attribute {name!r}")


def _places(old: str, name: str) -> list[str]:
    if name.startswith("__"):
        return []
    return [f"{place}.{name}" for place in MOVED.get(old, ())]


def _give_old_names(module: ModuleType) -> None:
    """Give a module a `__getattr__` that looks up old names in new modules."""
    vars(module)["__getattr__"] = partial(look_up, module.__name__)


class _StandIn(Loader):
    """Loader that makes an empty module in place of a module that has moved."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        _give_old_names(module)


class _Left(SourceFileLoader):
    """Loader of a module that still exists, but has lost some of its names.

    The lost names have moved to other modules or been renamed.
    """

    def exec_module(self, module: ModuleType) -> None:
        _give_old_names(module)
        super().exec_module(module)


class Finder(MetaPathFinder):
    """Import finder for old modules.

    It finds modules that have moved, and modules that still exist, but have
    lost some of their names.
    """

    @staticmethod
    def find_spec(
        fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname in MOVED:
            return ModuleSpec(fullname, _StandIn(), is_package=True)
        if fullname not in LEFT:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec and spec.origin:
            spec.loader = _Left(fullname, spec.origin)
        return spec


def install() -> None:
    """Make imports of old names work, by adding `Finder` to `sys.meta_path`.

    A second call changes nothing.
    """
    if Finder in sys.meta_path:
        return
    sys.meta_path.insert(0, Finder)
    for name in LEFT.keys() & sys.modules.keys():
        _give_old_names(sys.modules[name])
