"""The application: train, evaluate, translate."""

from typing import Any

__all__ = ["Translator"]


def __getattr__(name: str) -> Any:
    # On demand: TensorFlow takes seconds to import, and --help needs none.
    if name == "Translator":
        from app.translator import Translator

        return Translator
    raise AttributeError(f"module 'app' has no attribute {name!r}")
