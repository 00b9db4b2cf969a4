"""Steps to search whose every distribution is known, and what search finds."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from data.modalities import Symbols
from models import Hypotheses, search
from models.search import SearchOptions
from tests.models import reference
from tests.models.reference import Hypothesis, Words
from tests.models.tiny import BOS, SYMBOLS

CODES, SOURCE_LENGTH = 997, 3


class History(NamedTuple):
    """A state whose every leaf depends on all words so far, in order."""

    code: tf.Tensor  # (B, K)
    words: dict[str, tf.Tensor]  # (B, K, 2), the last two
    absent: Any = ()


class Chain:
    """A step whose log-probabilities are drawn anew for each history."""

    def __init__(
        self,
        rows: int,
        vocabulary: int,
        seed: int = 0,
        scale: float = 2.0,
        begin: int = BOS,
    ) -> None:
        rng = np.random.default_rng(seed)
        logits = scale * rng.normal(size=(CODES, vocabulary))
        self.table = np.stack([reference.log_softmax(row) for row in logits])
        self.attention = rng.random((CODES, SOURCE_LENGTH))
        self.start = rng.integers(0, CODES, rows)
        self.begin = begin
        self.calls = 0

    def follow(self, code: Any, word: Any) -> Any:
        return (31 * code + 17 * word + 5) % CODES

    def code(self, row: int, words: Words) -> int:
        """The code after the begin and these words."""
        code = int(self.start[row])
        for word in (self.begin, *words):
            code = self.follow(code, word)
        return code

    def log_probs(self, row: int) -> Callable[[Words], np.ndarray]:
        return lambda words: self.table[self.code(row, words)]

    def state(self) -> History:
        code = tf.constant(self.start[:, None], tf.int32)
        return History(code, {"last": tf.zeros([len(self.start), 1, 2])})

    def __call__(
        self, tokens: tf.Tensor, state: History
    ) -> tuple[tf.Tensor, tf.Tensor, History]:
        self.calls += 1
        code = self.follow(state.code, tokens)
        last = tf.cast(tokens, tf.float32)[:, :, None]
        last = tf.concat([state.words["last"][:, :, 1:], last], -1)
        state = History(code, {"last": last})
        # Nothing to learn from the last words, if they are those of the code.
        wrong = tf.reduce_sum(last[:, :, 1:], -1) - tf.cast(tokens, tf.float32)
        log_probs = tf.gather(tf.constant(self.table, tf.float32), code)
        weights = tf.gather(tf.constant(self.attention, tf.float32), code)
        return log_probs + wrong[:, :, None], weights, state


def run(
    chain: Chain,
    limits: list[int],
    step: Any = None,
    max_length: int | None = None,
    symbols: Symbols = SYMBOLS,
    rules: Sequence[Any] = (),
    given: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Hypotheses:
    return search(
        step or chain,
        chain.state(),
        limits=tf.constant(limits),
        symbols=symbols,
        options=SearchOptions(max_length=max_length, **options),
        rules=rules,
        **given,
        by_token=True,
    )


def found(hypotheses: Hypotheses, row: int) -> list[Hypothesis]:
    """The hypotheses of a sentence that are there at all."""
    return [
        Hypothesis(
            tuple(hypotheses.tokens[row, k, :length].numpy().tolist()),
            float(hypotheses.log_probs[row, k]),
            float(hypotheses.scores[row, k]),
        )
        for k, length in enumerate(hypotheses.lengths[row].numpy())
        if length
    ]


def assert_same(got: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [h.words for h in got] == [h.words for h in expected]
    for name in ("log_prob", "score"):
        values = [getattr(h, name) for h in expected]
        assert [getattr(h, name) for h in got] == pytest.approx(
            values, abs=1e-4
        )
