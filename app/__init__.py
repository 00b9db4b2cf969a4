"""Application: commands to train and evaluate models, and to translate."""

import sys
from importlib.machinery import ModuleSpec
from typing import Any

__all__ = ["Translator"]


def __getattr__(name: str) -> Any:
    # Imported on demand: TensorFlow takes seconds to import, and --help does
    # not need it.
    if name == "Translator":
        from app.inference import Translator

        return Translator
    raise AttributeError(f"module 'app' has no attribute {name!r}")


class _Old:
    """Import finder for modules of `app` that were renamed; see `data.moved`.

    Python calls this finder for each import of a module that no other finder
    has found. If the name of the module begins with "app.", this finder imports
    `data.moved`, which finds the renamed module.
    """

    @staticmethod
    def find_spec(
        fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("app."):
            return None
        from data.moved import Finder

        return Finder.find_spec(fullname)


sys.meta_path.append(_Old)
