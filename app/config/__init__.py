"""Configuration of a run: its options, and functions to read and change it."""

from app.config.loading import (
    changed,
    differences,
    flatten,
    load_config,
    preset_names,
    save_config,
    useful,
    with_epochs,
    with_search,
    without_unused,
)
from app.config.messages import explain
from app.config.options import EPOCHS, Config, TrainingOptions
from data import CorpusOptions, TokenizerOptions  # formerly defined here
from models.architecture import ModelOptions  # formerly defined here

__all__ = [
    "EPOCHS",
    "Config",
    "CorpusOptions",
    "ModelOptions",
    "TokenizerOptions",
    "TrainingOptions",
    "changed",
    "differences",
    "explain",
    "flatten",
    "load_config",
    "preset_names",
    "save_config",
    "useful",
    "with_epochs",
    "with_search",
    "without_unused",
]
