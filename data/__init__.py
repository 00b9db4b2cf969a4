"""Data of parallel text: corpora, tokenizers, words and training batches.

`data.training_data` makes the batches. That module needs TensorFlow, so
`import data` does not import it.
"""

from data.corpora import Corpus, Example, Places, load_corpus, open_corpus
from data.errors import GlimpseError
from data.moved import install as _install
from data.options import (
    CleaningOptions,
    CorpusOptions,
    PipelineOptions,
    TokenizerOptions,
)
from data.text import Language, normalise, words
from data.tokenizer import Tokenizer

__all__ = [
    "CleaningOptions",
    "Corpus",
    "CorpusOptions",
    "Example",
    "GlimpseError",
    "Language",
    "PipelineOptions",
    "Places",
    "Tokenizer",
    "TokenizerOptions",
    "load_corpus",
    "normalise",
    "open_corpus",
    "words",
]

_install()
