"""Sub-words or words: train, encode, decode, in Python and in the graph."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from data.errors import GlimpseError
from data.text import normalise, plain_spaces

if TYPE_CHECKING:
    import tensorflow as tf

MODEL_TYPES = ("bpe", "unigram", "word")

_LONGEST_LINE = 1_000_000  # bytes; SentencePiece drops longer training lines
_SPACED_WORD = re.compile(" ?[^ ]+")  # with the space before it


class Tokenizer:
    """Turns text into ids of sub-words, and ids back into the same text.

    A SentencePiece model without any normalisation of its own, whose rare
    characters fall back to their UTF-8 bytes, so that no text is unknown:
    `decode(encode(text)) == normalise(text)`. Ids 0 to 3 are padding, unknown,
    begin and end of sentence; they are never made from text, whatever it says.

    A tokenizer of type "word" is the exception: its words are what stands
    between spaces, for text that is tokenised already, and it has no bytes. A
    word outside its vocabulary has the id of the unknown, as many times as it
    is there, and is decoded as `UNKNOWN_WORD`; the law above holds for text
    whose words are all known.

    Args:
        model: a SentencePiece model as `Tokenizer.train` makes it.

    Raises:
        GlimpseError: `model` is damaged, or made with other special ids.

    Example:
        >>> tokenizer = Tokenizer.train(["the cat", "the dog"], 300)
        >>> tokenizer.decode(tokenizer.encode("the cat"))
        'the cat'
    """

    PAD, UNK, BOS, EOS = 0, 1, 2, 3
    UNKNOWN_WORD = "<unk>"

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._processor = _processor(model)
        self.is_word_level = _is_word_level(model)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary_size: int,
        *,
        model_type: str = "bpe",
    ) -> Tokenizer:
        """Learn a vocabulary from `texts`; the same texts give the same one.

        Args:
            texts: sentences in one or several languages; normalised here.
            vocabulary_size: pieces wanted, the 4 special ones and 256 bytes
                included; of words, which need no bytes, the most frequent.
                Little text yields fewer: see `.vocabulary_size`.
            model_type: one of `MODEL_TYPES`.

        Raises:
            GlimpseError: no text, an unknown `model_type`, or a
                `vocabulary_size` that cannot hold the characters of the text.
        """
        if model_type not in MODEL_TYPES:
            raise GlimpseError(
                f"A tokenizer of type '{model_type}' was asked for, but the "
                f"types are {', '.join(MODEL_TYPES)}."
            )
        sentences = [line for text in texts if (line := normalise(text))]
        if not sentences:
            raise GlimpseError(
                "A tokenizer cannot be trained on no text: every sentence "
                "given was empty, so check the corpus it should come from."
            )
        return cls(_train(sentences, vocabulary_size, model_type))

    @property
    def vocabulary_size(self) -> int:
        """Number of pieces there really are; ids are below it."""
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, normalised first, without BOS and EOS."""
        text = normalise(text)
        if not self.is_word_level:
            return self._processor.encode(text)
        # SentencePiece's own encoder makes one of adjacent unknown words.
        return self._processor.piece_to_id(
            [f"▁{each}" for each in text.split()]
        )

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return `encode` of each text, in one call."""
        if self.is_word_level:
            return [self.encode(text) for text in texts]
        return self._processor.encode([normalise(text) for text in texts])

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; padding, BOS and EOS count for nothing.

        Any ids will do. Bytes that are no UTF-8 become U+FFFD, and those that
        spell a control character or a line end become a space: the result is
        always one line.
        """
        if self.is_word_level:
            return " ".join(self._words(ids))
        return plain_spaces(self._processor.decode(self._ordinary(ids)))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the printable piece of each id: "▁the", "<0xC3>", "</s>"."""
        return self._processor.id_to_piece([int(each) for each in ids])

    def spans(
        self, ids: Iterable[int], text: str | None = None
    ) -> list[tuple[int, int]]:
        """Return where in `decode(ids)` each of `ids` is, in characters.

        With a word-level tokenizer `text`, if given, stands for `decode(ids)`:
        as many words, unknown ones spelt out.

        Spans are `(start, end)` with `end` exclusive. A piece that begins a
        word holds the space before it; a lone "▁" holds nothing else, and is
        empty at the start of the text. Every byte of a character has the whole
        character. Padding, BOS and EOS are empty spans at the end of the text.
        """
        ids = [int(each) for each in ids]
        if self.is_word_level:
            text = self.decode(ids) if text is None else text
            ordinary = [each.span() for each in _SPACED_WORD.finditer(text)]
        else:
            ordinary = self._piece_spans(ids)
        end = (ordinary[-1][1],) * 2 if ordinary else (0, 0)
        following = iter(ordinary)
        return [end if self._is_mark(i) else next(following) for i in ids]

    def in_graph(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Return the ids `encode` gives, computed by TensorFlow.

        Args:
            texts: (N,) strings, already normalised.

        Returns:
            (N, None) int32.
        """
        if not self.is_word_level:
            return self._graph_tokenizer.tokenize(texts)
        import tensorflow as tf

        words = tf.strings.split(texts)
        # Each by itself, for the reason given in `encode`: one id each.
        ids = self._graph_tokenizer.tokenize(words.flat_values)
        return words.with_flat_values(ids.flat_values)

    def save(self, path: str | Path) -> None:
        """Write the model to `path`, whole or not at all."""
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(self.model)
        os.replace(beside, path)

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            GlimpseError: `path` is missing, unreadable or damaged.
        """
        try:
            return cls(Path(path).read_bytes())
        except OSError as error:
            raise GlimpseError(
                f"The tokenizer {path} cannot be read "
                f"({error.strerror or error}): give the run folder that "
                "training made, which holds a tokenizer.model."
            ) from error
        except GlimpseError as error:
            raise GlimpseError(f"{path}: {error}") from error

    @cached_property
    def _graph_tokenizer(self) -> Any:
        import tensorflow as tf
        import tensorflow_text

        # A resource made while a function is traced would die with its graph.
        with tf.init_scope():
            return tensorflow_text.SentencepieceTokenizer(
                model=self.model, out_type=tf.int32
            )

    def _words(self, ids: Iterable[int]) -> list[str]:
        ids = self._ordinary(ids)
        return [
            self.UNKNOWN_WORD if id_ == self.UNK else piece.removeprefix("▁")
            for id_, piece in zip(ids, self.pieces(ids), strict=True)
        ]

    def _piece_spans(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        proto = self._processor.decode(self._ordinary(ids), return_type="proto")
        return _character_spans(
            [piece.surface for piece in proto.pieces],
            [self._processor.is_byte(piece.id) for piece in proto.pieces],
        )

    def _is_mark(self, piece: int) -> bool:
        return piece in (self.PAD, self.BOS, self.EOS)

    def _ordinary(self, ids: Iterable[int]) -> list[int]:
        # Marks are taken out beforehand: one amid the bytes of a character
        # would break it.
        return [each for i in ids if not self._is_mark(each := int(i))]


def _processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.load_from_serialized_proto(model)
    except RuntimeError as error:
        raise GlimpseError(
            f"These {len(model)} bytes are not a tokenizer: a SentencePiece "
            "model as training writes it is wanted, so copy or train it anew."
        ) from error
    marks = [
        processor.pad_id(),
        processor.unk_id(),
        processor.bos_id(),
        processor.eos_id(),
    ]
    bytes_known = processor.is_byte(processor.piece_to_id("<0x00>"))
    if marks != [0, 1, 2, 3] or bytes_known == _is_word_level(model):
        raise GlimpseError(
            "This SentencePiece model has special ids "
            f"{marks} and {'' if bytes_known else 'no '}byte pieces, but ids "
            "[0, 1, 2, 3] (padding, unknown, begin, end) and byte pieces, or "
            "words without them, are wanted, so train a tokenizer with "
            "Tokenizer.train."
        )
    return processor


def _is_word_level(model: bytes) -> bool:
    # Generated classes are made at run time, where no type checker sees them.
    proto = sentencepiece_model_pb2.ModelProto.FromString(  # type: ignore[attr-defined]
        model
    )
    return proto.trainer_spec.model_type == proto.trainer_spec.WORD


def _train(
    sentences: list[str], vocabulary_size: int, model_type: str
) -> bytes:
    model = io.BytesIO()
    by_word = model_type == "word"
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            vocab_size=vocabulary_size,
            model_type=model_type,
            pad_id=Tokenizer.PAD,
            unk_id=Tokenizer.UNK,
            bos_id=Tokenizer.BOS,
            eos_id=Tokenizer.EOS,
            byte_fallback=not by_word,
            normalization_rule_name="identity",
            hard_vocab_limit=False,  # little text: fewer pieces, no failure
            # The rest is spelt in bytes, which words have not.
            character_coverage=1.0 if by_word else 0.9995,
            max_sentence_length=_LONGEST_LINE,
            num_threads=1,  # the model does not hang on the machine
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise GlimpseError(_why_not(error, vocabulary_size)) from error
    return model.getvalue()


def _why_not(error: Exception, vocabulary_size: int) -> str:
    _, found, needed = str(error).partition(f"{vocabulary_size} vs ")
    if found:
        return (
            f"A vocabulary of {vocabulary_size} pieces cannot hold the special "
            "pieces, the 256 bytes and the characters of this text: ask for "
            f"at least {needed.partition('.')[0]}."
        )
    return (
        f"A tokenizer of {vocabulary_size} pieces could not be trained on this "
        f"text: SentencePiece says '{' '.join(str(error).split())}'."
    )


def _character_spans(
    surfaces: Sequence[str], are_bytes: Sequence[bool]
) -> list[tuple[int, int]]:
    spans = []
    end = 0
    for surface in surfaces:
        spans.append((end, end + len(surface)))
        end += len(surface)
    # SentencePiece gives a character to the last of its bytes.
    for place in reversed(range(len(spans) - 1)):
        if are_bytes[place] and not surfaces[place]:
            spans[place] = spans[place + 1]
    return spans
