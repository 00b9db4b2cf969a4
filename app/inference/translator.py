"""Translator that uses the model of a run folder.

It takes text, and returns translations with their attention.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import tensorflow as tf

from app.alignment import FORESIGHT, POSTERIOR
from app.config import Config, with_search
from app.inference.batching import batches, dealt, padded
from app.inference.carrying import (
    Prepared,
    frequent_name,
    prepare,
    with_marks,
)
from app.inference.hypotheses import (
    Hypothesis,
    Item,
    Translation,
    forced_hypotheses,
    found_hypotheses,
)
from app.inference.loading import load, require_alike
from app.inference.unknown_words import replaced
from app.inference.wishes import (
    NO_WISHES,
    Wishes,
    inputs_of,
    longest,
    random_numbers,
    with_beams,
)
from app.machine.device import pick_device
from data import normalise
from data.inventory import Adapted, Inventory, as_it_is
from data.modalities import Symbols
from data.sides import Sides
from models import Hypotheses, SearchOptions, SequenceModel
from models.decoding import (
    forced_graph,
    foresight_graph,
    posterior_graph,
    search_graph,
)
from models.ensemble import Ensemble
from models.foresight import Foresight

# Least number of sentences whose batches are divided into parts that run side
# by side. For fewer, the gain is less than the second that the graph of the
# parts takes to build.
LEAST_DIVIDED = 32

Progress = Callable[[int], Any]  # function of the number of sentences just done


class Translator:
    """Translator of sentences with one model.

    Args:
        model: a built model.
        sides: the source side and the target side of the model's corpus, each
            with its language and tokenizer.
        config: the configuration of the model's run; it has the default options
            of the search, and the largest length of a source.
        inventory: counts of the words and characters in the source side of the
            training text; None if they are not known.
        keep_unknown: whether `<unk>`, the mark of an unknown word, stays in
            translations. If false, a source word replaces it; see `translate`.
    """

    def __init__(
        self,
        model: SequenceModel,
        sides: Sides,
        config: Config,
        inventory: Inventory | None = None,
        keep_unknown: bool = False,
    ) -> None:
        self.model = model
        self.sides = sides
        self.config = config
        self.inventory = inventory
        self.keep_unknown = keep_unknown
        self.stand_in = frequent_name(inventory)
        self._search_graph = partial(
            search_graph, spelling=sides.target.spelling
        )
        self.foresight: Foresight | None = None
        self._graphs: dict[Hashable, Callable[..., Any]] = {}

    @classmethod
    def load(
        cls,
        folder: Path | str,
        ensemble: Sequence[Path | str] = (),
        *,
        search: Sequence[str] = (),
        keep_unknown: bool = False,
    ) -> "Translator":
        """Load the best model of a run folder, and make a translator of it.

        Args:
            folder: the run folder.
            ensemble: further run folders, whose models translate together with
                the first; see `models.ensemble`.
            search: changes of the options of search, each written as
                `search.KEY=VALUE`.
            keep_unknown: see `Translator`.

        Raises:
            GlimpseError: a folder is not a run folder, its weights cannot be
                read, its tokenizers differ from those of `folder`, or a change
                is not valid.
        """
        loaded = load([Path(each) for each in (folder, *ensemble)])
        config = with_search(loaded.config, search)
        translator = cls(
            loaded.model, loaded.sides, config, loaded.inventory, keep_unknown
        )
        translator.foresight = loaded.foresight
        return translator

    def together_with(self, others: Sequence["Translator"]) -> "Translator":
        """Return a translator whose model is an ensemble of several models.

        Raises:
            GlimpseError: a model has other tokenizers or languages.
        """
        for other in others:
            require_alike(self.sides, other.sides, "Another model")
        model = Ensemble([each.model for each in (self, *others)])
        given = (self.config, self.inventory, self.keep_unknown)
        return Translator(model, self.sides, *given)

    def translate(
        self,
        sentences: Sequence[str],
        *,
        beam_size: int | None = None,
        nbest: int = 1,
        options: SearchOptions | None = None,
        wishes: Sequence[Wishes] = (),
        progress: Progress = lambda count: None,
    ) -> list[Translation]:
        """Translate sentences; return translations in the same order.

        If the target tokens are whole words, a translation may have unknown
        words. Each unknown word is replaced by the source word that had the
        largest attention weight in the step that produced the unknown word
        (Jean et al. 2015, section 3.3; Luong, Pham and Manning 2015). The text
        has `<unk>` instead if all weights of that step are 0, if the model has
        no attention, or if `keep_unknown` is true. Placeholders, tags and terms
        of the glossary are carried over by attention; see
        `app.inference.carrying`.

        Args:
            sentences: any texts; the translation of an empty text is empty.
            beam_size: number of hypotheses kept in the search; None for the
                number in `options`.
            nbest: number of translations of each, at most `beam_size`.
            options: options of the search; None for the translator's own.
            wishes: a wish for each sentence; empty for none.
            progress: function that is called after each batch with the number
                of sentences in that batch.

        Raises:
            GlimpseError: `nbest` is larger than the beam size, or no
                translation can be as wished.
        """
        options = options or self.config.search
        options = replace(options, beam_size=beam_size or options.beam_size)
        options = with_beams(options, wishes, self.sides.target, nbest)
        wishes = wishes or [NO_WISHES] * len(sentences)
        prepared = list(map(self._prepare, sentences, wishes))
        done = [self._empty(each) for each in prepared]
        items = [translation.read for translation in done]
        parts = self._parts(len(items))
        for batch in batches([len(item.ids) for item in items]):
            rows = dealt(batch, parts)
            found = self._search(
                [items[row].ids for row in rows],
                [wishes[row] for row in rows],
                options,
                parts,
            )
            for place, row in enumerate(rows):
                every = self._finished(found, place, items[row], nbest)
                begins = wishes[row].beginning
                marked = (with_marks(x, prepared[row], begins) for x in every)
                done[row] = replace(done[row], hypotheses=tuple(marked))
            progress(len(rows))
        return done

    def force(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        *,
        posterior: bool = False,
        foresight: bool = False,
        progress: Progress = lambda count: None,
    ) -> list[Translation]:
        """Compute the scores and the attention of given translations.

        The model does not search: it computes the probability of each given
        token from the source and the given tokens before it.

        Args:
            sources: the sentences.
            targets: one translation of each sentence.
            posterior: whether to compute the posterior attention too, see
                `Seq2Seq.posterior`; this needs a model whose `has_posterior` is
                true.
            foresight: whether to compute the attention of `models.foresight`
                too; this needs a foresight that was fitted to the model.
            progress: function that is called after each batch with the number
                of sentences in that batch.

        Returns:
            Each source with its target as the only hypothesis. The text of the
            hypothesis is the normalised target; no unknown word in it is
            replaced.
        """
        done = [self.encode(source) for source in sources]
        said = [self._target(normalise(target)) for target in targets]
        lengths = [
            max(len(each.read.ids), len(target.ids))
            for each, target in zip(done, said, strict=True)
        ]
        parts = self._parts(len(done))
        for rows in batches(lengths, shortest=0):
            forced = self._force(
                [done[row].read for row in rows],
                [said[row] for row in rows],
                {POSTERIOR: posterior, FORESIGHT: foresight},
                parts,
            )
            for row, hypothesis in zip(rows, forced, strict=True):
                done[row] = replace(done[row], hypotheses=(hypothesis,))
            progress(len(rows))
        return done

    def encode(self, sentence: str) -> Translation:
        """Convert a sentence to the ids that the model reads.

        Returns:
            A translation that has the normalised text and the ids, but no
            hypothesis. A sentence with too many tokens is cut.
        """
        text, adapted = normalise(sentence), self._adapt(sentence)
        tokenizer = self.sides.source.tokenizer
        ids = self.sides.source.ids(adapted.text)
        most = self.config.search.max_source_length
        spans = [
            adapted.typed(span) for span in tokenizer.spans(ids, adapted.text)
        ]
        truncated = len(ids) > most
        if truncated:
            ids = (*ids[: most - 1], tokenizer.EOS)
            text = text[: spans[most - 2][1]]
            spans = [*spans[: most - 1], (len(text),) * 2]
        return Translation(
            sentence,
            Item(text, ids, self.sides.source, tuple(spans)),
            (),
            truncated,
            self.longest_trained,
            self.inventory,
        )

    @property
    def longest_trained(self) -> int:
        """Length of the longest source in training, in tokens with EOS.

        Older versions of Glimpse did not record this length. For a run of such
        a version, the result is the largest length that training allowed.
        """
        counted = self.inventory.longest if self.inventory else None
        return counted or self.config.pipeline.max_source_length

    def _prepare(self, sentence: str, wishes: Wishes) -> Prepared:
        if not self.model.attends:  # nothing shows where marks belong
            return Prepared(sentence, sentence)
        return prepare(sentence, self.stand_in, wishes.glossary)

    def _adapt(self, sentence: str) -> Adapted:
        """Normalise a sentence, and adapt it to the training text.

        Some words and characters are replaced by forms that occur in the
        training text, see `Inventory.adapt`.
        """
        text = normalise(sentence)
        return self.inventory.adapt(text) if self.inventory else as_it_is(text)

    def _target(self, text: str) -> Item:
        target = self.sides.target
        return Item(text, target.ids(text), target)

    def _empty(self, prepared: Prepared) -> Translation:
        """Encode a sentence; return it with an empty text as translation."""
        translation = self.encode(prepared.text)
        target = Item("", (), self.sides.target)
        nothing = Hypothesis(0.0, 0.0, None, translation.read, target)
        return replace(
            translation, source=prepared.typed, hypotheses=(nothing,)
        )

    def _parts(self, sentences: int) -> int:
        """Return the number of parts into which each batch is divided.

        The parts of a batch are computed at the same time.

        Args:
            sentences: number of all sentences to process.
        """
        if sentences < LEAST_DIVIDED:
            return 1
        return pick_device().parts(self.config.training.parts)

    def _graph(
        self, make: Callable[..., Callable[..., Any]], *how: Hashable
    ) -> Callable[..., Any]:
        """Return a graph of the model; build it only if it is not built yet.

        Args:
            make: function that builds the graph. Its arguments are the model,
                the special symbols of the target side, and the values in `how`.
            how: further arguments of `make`.
        """
        key = make, *how
        if key not in self._graphs:
            symbols = self.sides.target.symbols
            self._graphs[key] = make(self.model, symbols, *how)
        return self._graphs[key]

    def _search(
        self,
        sources: Sequence[Sequence[int]],
        wishes: Sequence[Wishes],
        options: SearchOptions,
        parts: int,
    ) -> Hypotheses:
        """Search for translations of a batch of sources, given as ids."""
        given = inputs_of(wishes, self.sides.target)
        if options.sampling:
            length = longest(sources, given, options)
            given["drawn"] = random_numbers(sources, options, length)
        graph = self._graph(self._search_graph, options, parts, tuple(given))
        return _run(graph, *padded(sources), *given.values())

    def _finished(
        self, found: Hypotheses, place: int, source: Item, nbest: int
    ) -> list[Hypothesis]:
        """Return the best hypotheses of one sentence of a batch."""
        target = self.sides.target
        hypotheses = found_hypotheses(found, place, source, target, nbest)
        if self.keep_unknown or not target.tokenizer.is_word_level:
            return hypotheses
        return [replaced(each) for each in hypotheses]

    def _force(
        self,
        sources: Sequence[Item],
        targets: Sequence[Item],
        wanted: Mapping[str, bool],
        parts: int,
    ) -> list[Hypothesis]:
        given = (
            *padded([source.ids for source in sources]),
            *padded([target.ids for target in targets]),
        )
        forced = _run(self._graph(forced_graph, parts), *given)
        makers = {POSTERIOR: posterior_graph, FORESIGHT: self._foresight_graph}
        known = {
            reading: _run(self._graph(make, parts), *given)
            if wanted[reading]
            else ()
            for reading, make in makers.items()
        }
        return forced_hypotheses(forced, sources, targets, **known)

    def _foresight_graph(
        self, model: SequenceModel, symbols: Symbols, parts: int
    ) -> Callable[..., tf.Tensor]:
        assert self.foresight is not None  # the aligner has checked it
        return foresight_graph(model, symbols, self.foresight, parts)


def _run(graph: Callable[..., Any], *given: tf.Tensor) -> Any:
    return tf.nest.map_structure(lambda x: x.numpy(), graph(*given))
