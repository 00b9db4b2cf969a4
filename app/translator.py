"""Text in, translations and their attention out, from a run folder."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from app.config import Config
from app.device import pick_device
from app.run import Run, Tokenizers
from data import GlimpseError, Tokenizer, normalise
from data.inventory import Adapted, Inventory, as_it_is
from data.text import Span
from models import (
    Hypotheses,
    SearchOptions,
    Seq2Seq,
    TranslationModel,
    search,
)
from models.losses import token_losses
from models.metrics import correct_tokens
from models.parts import in_parts, joined

BATCH_SIZE = 64  # sentences; results do not depend on it
LEAST_DIVIDED = 32  # sentences to translate; a graph of parts takes a second
FULL_LENGTH = 64  # tokens, up to which a batch has as many
IDS = tf.TensorSpec([None, None], tf.int32)


@dataclass(frozen=True)
class Hypothesis:
    """One translation.

    Attributes:
        text: the translation. A word-level model's unknown words are replaced
            where `Translator.translate` says so; `ids` keep them.
        score: log-probability under the length penalty.
        log_prob: natural log-probability of the tokens.
        ids: target token ids, the final EOS included.
        attention: (T, S) weights, a row for each id, a column for each source
            token; None without attention.
        correct: how many tokens of a given translation were the likeliest
            ones; None for one that was searched for.
        posterior: (T, S), attention that knows the words of a given
            translation, see `Seq2Seq.posterior`; None unless asked for.
    """

    text: str
    score: float
    log_prob: float
    ids: tuple[int, ...]
    attention: np.ndarray | None
    correct: int | None = None
    posterior: np.ndarray | None = None


@dataclass(frozen=True)
class Translation:
    """A sentence with its n best translations, best first.

    Attributes:
        source: the sentence as it came.
        source_text: what was translated: normalised, cut where over-long.
        source_ids: its token ids, the final EOS included; of the text in the
            forms that training had, see `Inventory.adapt`.
        source_spans: where in `source_text` each of them is, in characters.
        hypotheses: at least one.
        truncated: whether the sentence was cut.
    """

    source: str
    source_text: str
    source_ids: tuple[int, ...]
    source_spans: tuple[Span, ...]
    hypotheses: tuple[Hypothesis, ...]
    truncated: bool = False

    @property
    def text(self) -> str:
        """The best translation."""
        return self.hypotheses[0].text


class Translator:
    """Translates with one model.

    Args:
        model: a built model.
        tokenizers: those it was trained with.
        config: that of their run: how to search when nothing else is asked,
            the longest sources, the languages.
        inventory: of the source's training text.
        keep_unknown: whether to leave the unknown words of a word-level model
            as marks; see `translate`.
    """

    def __init__(
        self,
        model: TranslationModel,
        tokenizers: Tokenizers,
        config: Config,
        inventory: Inventory | None = None,
        keep_unknown: bool = False,
    ) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.config = config
        self.languages = config.languages
        self.inventory = inventory
        self.keep_unknown = keep_unknown
        self._graphs: dict[Hashable, Callable[..., Any]] = {}

    @classmethod
    def load(
        cls, folder: Path | str, *, keep_unknown: bool = False
    ) -> "Translator":
        """Load the best model of a run folder.

        Raises:
            GlimpseError: no run folder, or its weights cannot be read.
        """
        run = Run.open(Path(folder))
        tokenizers = run.load_tokenizers()
        model = run.build_model(tokenizers)
        run.load_weights(model)
        return cls(
            model,
            tokenizers,
            run.config,
            run.load_inventory(),
            keep_unknown,
        )

    def translate(
        self,
        sentences: Sequence[str],
        *,
        beam_size: int | None = None,
        nbest: int = 1,
        progress: Callable[[int], Any] = lambda count: None,
    ) -> list[Translation]:
        """Translate sentences; the results are in their order.

        Where the target is of words and the model has attention, each unknown
        word of a translation is replaced by the source word that its row of
        attention has most of (Jean et al. 2015, section 3.3; Luong, Pham and
        Manning 2015). A row without weight, and `keep_unknown`, leave the mark.

        Args:
            sentences: any text; an empty one has an empty translation.
            beam_size: hypotheses kept; the run's own when None.
            nbest: how many of them to return, at most `beam_size`.
            progress: called with the number of sentences done, by batches.

        Raises:
            GlimpseError: `nbest` is larger than the beam.
        """
        options = self.config.search
        if beam_size is not None:
            options = replace(options, beam_size=beam_size)
        if nbest > options.beam_size:
            raise GlimpseError(
                f"{nbest} translations of each sentence were asked for with a "
                f"beam of {options.beam_size}; the beam must be as large: give "
                f"--beam {nbest}"
            )
        sources = [self.encode(sentence) for sentence in sentences]
        done = [_empty(source) for source in sources]
        parts = self._parts(len(sources))
        graph = self._graph(search_graph, options, parts)
        for batch in _batches([len(source.source_ids) for source in sources]):
            rows = _dealt(batch, parts)
            padded = _pad([sources[row].source_ids for row in rows])
            found = _run(graph, padded)
            for place, row in enumerate(rows):
                done[row] = replace(
                    sources[row],
                    hypotheses=self._hypotheses(
                        found, place, sources[row], nbest
                    ),
                )
            progress(len(rows))
        return done

    @property
    def has_posterior(self) -> bool:
        """Whether `force` can say where given words came from."""
        if not isinstance(self.model, Seq2Seq):
            return False
        return self.model.decoder.attention is not None

    def unseen_words(self, sentence: str) -> list[str]:
        """The words of a sentence that training had in no case, each once."""
        if self.inventory is None:
            return []
        return self.inventory.unseen_words(self._adapt(sentence).text)

    def unseen_characters(self, sentence: str) -> list[str]:
        """Characters that training had in no form, but for `unseen_words`."""
        if self.inventory is None:
            return []
        return self.inventory.unseen_characters(self._adapt(sentence).text)

    @property
    def longest_trained(self) -> int:
        """The longest source that training had, in tokens with EOS.

        Of an older run, the longest that it could have had.
        """
        counted = self.inventory.longest if self.inventory else None
        return counted or self.config.pipeline.max_source_length

    def encode(self, sentence: str) -> Translation:
        """A sentence as it will be translated, yet without a hypothesis."""
        text, adapted = normalise(sentence), self._adapt(sentence)
        tokenizer = self.tokenizers.source
        ids = tokenizer.encode(adapted.text)
        kept = ids[: self.config.search.max_source_length - 1]
        spans = tokenizer.spans([*ids, tokenizer.EOS], adapted.text)
        spans = [adapted.typed(span) for span in spans]
        truncated = len(kept) < len(ids)
        if truncated:
            text = text[: spans[len(kept) - 1][1]]
            spans = [*spans[: len(kept)], (len(text),) * 2]
        return Translation(
            sentence,
            text,
            (*kept, tokenizer.EOS),
            tuple(spans),
            (),
            truncated,
        )

    def force(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        *,
        posterior: bool = False,
        progress: Callable[[int], Any] = lambda count: None,
    ) -> list[Translation]:
        """Score given translations and say where the model looked.

        Args:
            sources: sentences.
            targets: as many translations of them.
            posterior: also find out where the words came from; see
                `has_posterior`.
            progress: called with the number of sentences done, by batches.

        Returns:
            Each target as the only hypothesis of its source; its text is the
            target normalised, in which no word is replaced.
        """
        pairs = [self.encode(source) for source in sources]
        texts = [normalise(target) for target in targets]
        ids = [
            (*self.tokenizers.target.encode(text), self.tokenizers.target.EOS)
            for text in texts
        ]
        done = list(pairs)
        lengths = [
            max(len(pair.source_ids), len(target))
            for pair, target in zip(pairs, ids, strict=True)
        ]
        parts = self._parts(len(pairs))
        for rows in _batches(lengths, shortest=0):
            forced = self._force(
                [pairs[row].source_ids for row in rows],
                [ids[row] for row in rows],
                posterior,
                parts,
            )
            for row, hypothesis in zip(rows, forced, strict=True):
                hypothesis = replace(hypothesis, text=texts[row])
                done[row] = replace(pairs[row], hypotheses=(hypothesis,))
            progress(len(rows))
        return done

    def _force(
        self,
        sources: list[tuple[int, ...]],
        targets: list[tuple[int, ...]],
        posterior: bool,
        parts: int,
    ) -> list[Hypothesis]:
        padded = (_pad(sources), _pad(targets))
        log_probs, correct, attention = _run(
            self._graph(_forced_graph, parts), *padded
        )
        origins = ()
        if posterior:
            origins = _run(self._graph(_posterior_graph, parts), *padded)
        shapes = [
            (len(target), len(source))
            for source, target in zip(sources, targets, strict=True)
        ]
        return [
            Hypothesis(
                "",  # the caller has it
                float(log_probs[place]),
                float(log_probs[place]),
                ids,
                _crop(attention, (place,), shapes[place]),
                int(correct[place]),
                _crop(origins, (place,), shapes[place]),
            )
            for place, ids in enumerate(targets)
        ]

    def _adapt(self, sentence: str) -> Adapted:
        """A sentence in the forms that training had."""
        text = normalise(sentence)
        return self.inventory.adapt(text) if self.inventory else as_it_is(text)

    def _parts(self, sentences: int) -> int:
        """How many parts of a batch to work on side by side."""
        if sentences < LEAST_DIVIDED:
            return 1
        return pick_device().parts(self.config.training.parts)

    def _graph(
        self, make: Callable[..., Callable[..., Any]], *how: Hashable
    ) -> Callable[..., Any]:
        """What `make` makes of the model, made once."""
        key = make, *how
        if key not in self._graphs:
            self._graphs[key] = make(self.model, *how)
        return self._graphs[key]

    def _hypotheses(
        self,
        found: Hypotheses,
        place: int,
        source: Translation,
        nbest: int,
    ) -> tuple[Hypothesis, ...]:
        lengths = found.lengths[place]
        hypotheses = tuple(
            self._hypothesis(found, place, rank, len(source.source_ids))
            for rank in range(min(nbest, len(lengths)))
            if lengths[rank]
        )
        if self.keep_unknown or not self.tokenizers.target.is_word_level:
            return hypotheses
        return tuple(self._replaced(each, source) for each in hypotheses)

    def _hypothesis(
        self, found: Hypotheses, place: int, rank: int, source_length: int
    ) -> Hypothesis:
        length = int(found.lengths[place, rank])
        ids = tuple(int(i) for i in found.tokens[place, rank, :length])
        return Hypothesis(
            self.tokenizers.target.decode(ids),
            float(found.scores[place, rank]),
            float(found.log_probs[place, rank]),
            ids,
            _crop(found.attention, (place, rank), (length, source_length)),
        )

    def _replaced(
        self, hypothesis: Hypothesis, source: Translation
    ) -> Hypothesis:
        """The hypothesis with its unknown words replaced, where they can be."""
        if hypothesis.attention is None:
            return hypothesis
        weights = _by_word(
            hypothesis.attention[:, :-1],
            source.source_spans[:-1],
            source.source_text,
        )
        known = source.source_text.split(" ")
        words = hypothesis.text.split(" ")
        for row, id_ in enumerate(hypothesis.ids):
            if id_ == Tokenizer.UNK and weights[row].any():
                words[row] = known[int(weights[row].argmax())]
        return replace(hypothesis, text=" ".join(words))


def search_graph(
    model: TranslationModel,
    options: SearchOptions,
    parts: int = 1,
    never: Sequence[int] = (),
) -> Callable[..., Hypotheses]:
    """Search as one graph over source ids (B, S), 0 on padding.

    Args:
        model: a built model.
        options: how to search.
        parts: how many parts of the batch to search side by side.
        never: words that are not said but at a limit.
    """

    def run(source: tf.Tensor) -> Hypotheses:
        lengths = tf.reduce_sum(tf.cast(source != 0, tf.int32), 1)
        limits = options.limits(lengths)
        longest = tf.reduce_max(limits)

        def work(part: tuple[tf.Tensor, tf.Tensor]) -> Hypotheses:
            source, limits = part
            memory, state = model.encode(source)
            step, memory = model.stepper(memory, never)
            return search(
                step,
                state,
                memory=memory,
                source_length=tf.shape(source)[1],
                limits=limits,
                options=options,
                length=longest,
            )

        return joined(in_parts(work, (source, limits), parts))

    return tf.function(run, input_signature=[IDS], autograph=False)


def _forced_graph(
    model: TranslationModel, parts: int
) -> Callable[..., tuple[Any, ...]]:
    def work(part: tuple[tf.Tensor, tf.Tensor]) -> tuple[Any, ...]:
        source, target = part
        given = model({"source": source, "target_in": _shifted(target)})
        _, nll = token_losses(target, given["logits"])
        mask = tf.cast(target != Tokenizer.PAD, tf.float32)
        correct = correct_tokens(target, given["logits"])
        return (
            -tf.reduce_sum(nll * mask, 1),
            tf.reduce_sum(correct * mask, 1),
            given["attention_weights"],
        )

    return _pairs_graph(work, parts)


def _posterior_graph(model: Seq2Seq, parts: int) -> Callable[..., tf.Tensor]:
    def work(part: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        source, target = part
        return model.posterior(source, _shifted(target), target)

    return _pairs_graph(work, parts)


def _pairs_graph(
    work: Callable[[tuple[tf.Tensor, tf.Tensor]], Any], parts: int
) -> Callable[..., Any]:
    def run(source: tf.Tensor, target: tf.Tensor) -> Any:
        return joined(in_parts(work, (source, target), parts))

    return tf.function(run, input_signature=[IDS, IDS], autograph=False)


def _run(graph: Callable[..., Any], *given: tf.Tensor) -> Any:
    return tf.nest.map_structure(lambda x: x.numpy(), graph(*given))


def _shifted(target: tf.Tensor) -> tf.Tensor:
    begin = tf.fill([tf.shape(target)[0], 1], Tokenizer.BOS)
    return tf.concat([begin, target[:, :-1]], 1)


def _by_word(
    weights: np.ndarray, spans: Sequence[tuple[int, int]], text: str
) -> np.ndarray:
    """Weights summed over the pieces of what stands between spaces.

    Args:
        weights: (T, S).
        spans: of the S pieces, in `text`.
        text: of W words.

    Returns:
        (T, W).
    """
    spaces = text.count(" ")
    words = [text.count(" ", 0, end) for _, end in spans]
    return weights @ np.eye(spaces + 1, dtype=weights.dtype)[words]


def _empty(source: Translation) -> Translation:
    nothing = Hypothesis("", 0.0, 0.0, (), None)
    return replace(source, hypotheses=(nothing,))


def _batches(lengths: list[int], shortest: int = 1) -> Iterator[list[int]]:
    """Rows of like length, by batches; those of `shortest` are left out.

    A source of length 1 is EOS alone: nothing to translate.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    for row in order:
        if lengths[row] <= shortest:
            continue
        if len(batch) >= _most_rows(lengths[row]):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _dealt(rows: list[int], parts: int) -> list[int]:
    """Rows in an order in which parts of them are alike."""
    return [row for part in range(parts) for row in rows[part::parts]]


def _most_rows(length: int) -> int:
    """Rows of a batch whose longest is of this length.

    Attention takes memory by the square of the length.
    """
    most = BATCH_SIZE * FULL_LENGTH**2 // length**2
    return max(1, min(BATCH_SIZE, most))


def _pad(rows: Sequence[Sequence[int]]) -> tf.Tensor:
    return tf.ragged.constant(rows, dtype=tf.int32).to_tensor()


def _crop(
    attention: Any, place: tuple[int, ...], shape: tuple[int, int]
) -> np.ndarray | None:
    if isinstance(attention, tuple):
        return None
    return attention[place][: shape[0], : shape[1]].astype(np.float32)
