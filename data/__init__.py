"""Text in, batches out: corpora, words, sub-words and the input pipeline.

`data.pipeline` is not imported here: it needs TensorFlow.
"""

from data.corpora import Corpus, Example, load_corpus
from data.errors import GlimpseError
from data.options import CleaningOptions, PipelineOptions
from data.text import Language, normalise, words
from data.tokenizer import Tokenizer

__all__ = [
    "CleaningOptions",
    "Corpus",
    "Example",
    "GlimpseError",
    "Language",
    "PipelineOptions",
    "Tokenizer",
    "load_corpus",
    "normalise",
    "words",
]
