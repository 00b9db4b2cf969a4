"""Tokenizers, which convert text into ids of sub-words or words, and back.

They are trained with SentencePiece. Text can also be encoded by TensorFlow
operations, within a graph.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from data.errors import GlimpseError
from data.text import normalise, plain_spaces
from data.writing import replacing

if TYPE_CHECKING:
    import tensorflow as tf

MODEL_TYPES = ("bpe", "unigram", "word")

_LONGEST_LINE = 1_000_000  # bytes; SentencePiece skips longer training lines
_SPACED_WORD = re.compile(" ?[^ ]+")  # with the space before it


class Tokenizer:
    """Converter of text into ids of sub-words or words, and of ids into text.

    The special ids are `PAD` = 0 for padding, `UNK` = 1 for an unknown word,
    and `BOS` = 2 and `EOS` = 3 for the begin and the end of a sentence.
    `encode` normalises the text, since the SentencePiece model itself does not.

    With sub-words, no text is lost: `decode(encode(text)) == normalise(text)`.
    Rare characters are encoded as their UTF-8 bytes. `encode` returns none of
    the special ids.

    With words (a model of type "word"), the text must be tokenised already, so
    that spaces separate its words. The vocabulary has no pieces for bytes.
    `encode` returns the id `UNK` for each word outside the vocabulary, and
    `decode` writes `UNKNOWN_WORD` for this id. `encode` returns none of the
    other special ids.

    Args:
        model: content of a SentencePiece model file, made by `Tokenizer.train`.

    Attributes:
        model: content of the SentencePiece model file.
        is_word_level: whether the pieces are words, not sub-words.

    Raises:
        GlimpseError: `model` is damaged, or its special ids differ from those
            above.

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
        """Train a tokenizer: learn its vocabulary from `texts`.

        The same texts always give the same tokenizer.

        Args:
            texts: sentences in one or several languages; this method
                normalises them.
            vocabulary_size: largest number of pieces in the vocabulary,
                including the 4 special pieces and, for sub-words, 256 pieces
                for single bytes. A vocabulary of words consists of the most
                frequent words. A small text gives fewer pieces; the property
                `vocabulary_size` is the actual number of pieces.
            model_type: "bpe" or "unigram" for sub-words, "word" for words.

        Raises:
            GlimpseError: all texts are empty, `model_type` is unknown, or
                `vocabulary_size` is too small for the characters of the text.
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
        """Number of pieces in the vocabulary; each id is below this number."""
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Normalise `text` and return its ids; BOS and EOS are not added."""
        text = normalise(text)
        if not self.is_word_level:
            return self._processor.encode(text)
        # SentencePiece's own encoder joins adjacent unknown words into one id.
        return self._processor.piece_to_id(
            [f"▁{each}" for each in text.split()]
        )

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return, for each of `texts`, the ids that `encode` returns."""
        if self.is_word_level:
            return [self.encode(text) for text in texts]
        return self._processor.encode([normalise(text) for text in texts])

    def sample(
        self, texts: Sequence[str], rate: float, seed: int
    ) -> list[list[int]]:
        """Return ids of the texts that are drawn at random.

        A text has many divisions into pieces, and each can be drawn. `decode`
        returns the same text for all of them.

        Args:
            texts: normalised sentences.
            rate: from 0 to 1. In a model of type "bpe", it is the probability
                that a merge of two pieces is left out (BPE-dropout, Provilkov
                et al. 2020). In a model of type "unigram", it is the exponent
                alpha: division x is drawn with a probability proportional to
                `P(x) ** alpha` (Kudo 2018, section 3.2), so a smaller rate
                draws rarer divisions.
            seed: seed, below 2**32; equal arguments give equal ids.

        Raises:
            GlimpseError: the pieces are whole words.
        """
        if self.is_word_level:
            raise GlimpseError(
                "Sub-words were to be sampled from a tokenizer of words, but "
                "only the types bpe and unigram divide words: train one of "
                "these, or encode without sampling."
            )
        sentencepiece.set_random_generator_seed(seed)
        return self._processor.encode(
            list(texts),
            enable_sampling=True,
            nbest_size=-1,
            alpha=rate,
            num_threads=1,  # the drawn numbers belong to a thread
        )

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; padding, BOS and EOS are left out.

        All ids below `vocabulary_size` are accepted, in any order. Bytes that
        are not valid UTF-8 become U+FFFD. Control characters and line ends
        become spaces, so the result is always one line.
        """
        if self.is_word_level:
            return " ".join(self._words(ids))
        return plain_spaces(self._processor.decode(self._ordinary(ids)))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the piece of each id, such as "▁the", "<0xC3>" or "</s>"."""
        return self._processor.id_to_piece([int(each) for each in ids])

    def spans(
        self, ids: Iterable[int], text: str | None = None
    ) -> list[tuple[int, int]]:
        """Return the span of characters that each id covers in the text.

        Spans are `(start, end)` with `end` exclusive. The span of a piece that
        begins a word includes the space before the word. The piece "▁"
        covers one space; at the start of the text, where there is no space, its
        span is empty. A piece for a byte has the span of the whole
        character that the byte belongs to. Padding, BOS and EOS have empty
        spans at the end of the text.

        Args:
            ids: ids of a sentence.
            text: text that was encoded into `ids`; if None, `decode(ids)` is
                used. A tokenizer of words returns spans in `text`, which has
                the unknown words themselves, not `UNKNOWN_WORD`. A tokenizer of
                sub-words ignores `text` and returns spans in `decode(ids)`.
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
        """Encode texts as `encode` does, but by TensorFlow operations.

        Args:
            texts: (N,) strings, already normalised.

        Returns:
            Ids of each text, ragged int32 (N, None), without BOS and EOS.
        """
        if not self.is_word_level:
            return self._graph_tokenizer.tokenize(texts)
        import tensorflow as tf

        words = tf.strings.split(texts)
        # Each word is tokenised by itself, so that unknown words are not
        # joined: see `encode`.
        ids = self._graph_tokenizer.tokenize(words.flat_values)
        return words.with_flat_values(ids.flat_values)

    def save(self, path: str | Path) -> None:
        """Write the model to a file; if writing fails, the old file remains.

        Raises:
            GlimpseError: the file cannot be written.
        """
        with replacing(Path(path)) as beside:
            beside.write_bytes(self.model)

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read a tokenizer from a file that `save` wrote.

        Raises:
            GlimpseError: the file is missing, unreadable or damaged.
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

        # If a traced function made this resource, it would die with the graph.
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
        # Marks (padding, BOS, EOS) are removed before decoding: a mark between
        # the bytes of a character would break the character.
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
    # These classes are generated at run time, so type checkers miss them.
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
            # Other characters are spelt in bytes; for words, there are none.
            character_coverage=1.0 if by_word else 0.9995,
            max_sentence_length=_LONGEST_LINE,
            num_threads=1,  # so that all machines make the same model
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
    # SentencePiece assigns a character to the last of its bytes.
    for place in reversed(range(len(spans) - 1)):
        if are_bytes[place] and not surfaces[place]:
            spans[place] = spans[place + 1]
    return spans
