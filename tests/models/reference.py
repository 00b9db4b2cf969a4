"""The papers' equations in float64 NumPy, to hold the layers to.

One sentence at a time, one position at a time, no batch and no padding; a
matrix is (outputs, inputs), as the papers write it. Nothing here knows of our
layers: `matrices` hands over their weights.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

Array = np.ndarray
State = tuple[Array, ...]  # the first leaf is the output
CellStep = Callable[[Array, State], State]
Score = Callable[[Array, Array], float]  # of a query and a memory value


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    exponentials = np.exp(x - np.max(x))
    return exponentials / np.sum(exponentials)


def log_softmax(x: Array) -> Array:
    return np.log(softmax(x))


class Gate(NamedTuple):
    """`of_input x + of_hidden h + bias`."""

    of_input: Array
    of_hidden: Array
    bias: Array

    def __call__(self, x: Array, hidden: Array) -> Array:
        return self.of_input @ x + self.of_hidden @ hidden + self.bias


def elman(gate: Gate) -> CellStep:
    """Elman 1990."""
    return lambda x, state: (np.tanh(gate(x, state[0])),)


def gru(
    update: Gate, reset: Gate, candidate: Gate, candidate_bias: Array
) -> CellStep:
    """Cho et al. 2014, equations 5 to 8, the reset after the product.

    `candidate_bias` is the one the reset gate multiplies.
    """

    def step(x: Array, state: State) -> State:
        (hidden,) = state
        z = sigmoid(update(x, hidden))
        r = sigmoid(reset(x, hidden))
        recurrent = candidate.of_hidden @ hidden + candidate_bias
        g = np.tanh(candidate.of_input @ x + candidate.bias + r * recurrent)
        return (z * hidden + (1 - z) * g,)

    return step


def lstm(enter: Gate, forget: Gate, leave: Gate, candidate: Gate) -> CellStep:
    """Hochreiter and Schmidhuber 1997 with Gers et al.'s forget gate."""

    def step(x: Array, state: State) -> State:
        hidden, carry = state
        i, f, o = (sigmoid(g(x, hidden)) for g in (enter, forget, leave))
        carry = f * carry + i * np.tanh(candidate(x, hidden))
        return o * np.tanh(carry), carry

    return step


class Norm(NamedTuple):
    """Ba et al. 2016, section 3.1, with epsilon beside the variance."""

    gain: Array
    bias: Array
    epsilon: float

    def __call__(self, x: Array) -> Array:
        centred = x - np.sum(x) / len(x)
        variance = np.sum(centred**2) / len(x)
        return (
            self.gain * centred / np.sqrt(variance + self.epsilon) + self.bias
        )


class NormedGate(NamedTuple):
    """`W x` and `U h` of gates that are normalised together."""

    of_input: Array
    of_hidden: Array
    input_norm: Norm
    hidden_norm: Norm

    def parts(self, x: Array, hidden: Array) -> tuple[Array, Array]:
        return (
            self.input_norm(self.of_input @ x),
            self.hidden_norm(self.of_hidden @ hidden),
        )

    def __call__(self, x: Array, hidden: Array) -> Array:
        return np.sum(self.parts(x, hidden), 0)


def layer_norm_elman(gate: NormedGate) -> CellStep:
    return lambda x, state: (np.tanh(gate(x, state[0])),)


def layer_norm_gru(gates: NormedGate, candidate: NormedGate) -> CellStep:
    """Ba et al. 2016, supplementary equations; update first, then reset."""

    def step(x: Array, state: State) -> State:
        (hidden,) = state
        z, r = np.split(sigmoid(gates(x, hidden)), 2)
        of_input, of_hidden = candidate.parts(x, hidden)
        g = np.tanh(of_input + r * of_hidden)
        return (z * hidden + (1 - z) * g,)

    return step


def layer_norm_lstm(gates: NormedGate, carry_norm: Norm) -> CellStep:
    """Ba et al. 2016, supplementary equations; enter, forget, leave, g."""

    def step(x: Array, state: State) -> State:
        hidden, carry = state
        i, f, o, g = np.split(gates(x, hidden), 4)
        carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(carry_norm(carry)), carry

    return step


def additive(of_query: Array, of_value: Array, vector: Array) -> Score:
    """Bahdanau et al. 2015, A.1.2."""
    return lambda q, h: vector @ np.tanh(of_query @ q + of_value @ h)


def dot() -> Score:
    """Luong et al. 2015, section 3.1, as the next two."""
    return lambda q, h: q @ h


def general(matrix: Array) -> Score:
    return lambda q, h: q @ matrix @ h


def concat(matrix: Array, vector: Array) -> Score:
    return lambda q, h: vector @ np.tanh(matrix @ np.concatenate([q, h]))


def attend(score: Score, query: Array, values: Array) -> tuple[Array, Array]:
    """Context (M,) and weights (S,) of one query over values (S, M)."""
    weights = softmax(np.array([score(query, value) for value in values]))
    return weights @ values, weights


class Direction(NamedTuple):
    step: CellStep
    backward: bool


class Layer(NamedTuple):
    """The directions of an encoder layer, side by side."""

    directions: list[Direction]
    start: State  # the zeros each starts from


class Summary(NamedTuple):
    states: list[State]  # of each layer, leaves (M,)
    mean: Array  # (M,)


def encode(
    layers: list[Layer], words: Array, residual: bool = False
) -> tuple[Array, Summary]:
    """Values (S, M) of words (S, E), and what else there is to hand on.

    A state is that after the last word read: backward it is the first
    (Schuster and Paliwal 1997). Wu et al. 2016, section 3.1, for `residual`.
    """
    values, states = words, []
    for index, layer in enumerate(layers):
        runs = [_run(one, layer.start, values) for one in layer.directions]
        outputs = np.concatenate([run[0] for run in runs], -1)
        values = outputs + values if residual and index > 0 else outputs
        leaves = zip(*(run[1] for run in runs), strict=True)
        states.append(tuple(np.concatenate(leaf) for leaf in leaves))
    return values, Summary(states, np.sum(values, 0) / len(values))


def _run(
    direction: Direction, state: State, inputs: Array
) -> tuple[Array, State]:
    """Outputs in the order of the inputs, and the last state."""
    order = -1 if direction.backward else 1
    outputs = []
    for x in inputs[::order]:
        state = direction.step(x, state)
        outputs.append(state[0])
    return np.array(outputs)[::order], state


Bridge = Callable[[Summary], list[State]]


def dense_bridge(
    layers: list[list[tuple[Array, Array]]], of_mean: bool
) -> Bridge:
    """`tanh(W h + b)`, a matrix and a bias a leaf of each layer.

    h is the last output (Bahdanau et al. 2015, A.2.2) or the mean of the
    values (Sennrich et al. 2017, section 2.1).
    """

    def start(summary: Summary) -> list[State]:
        h = summary.mean if of_mean else summary.states[-1][0]
        return [
            tuple(np.tanh(matrix @ h + bias) for matrix, bias in leaves)
            for leaves in layers
        ]

    return start


def last_bridge(num_layers: int) -> Bridge:
    """Sutskever et al. 2014: as the encoder's top layers ended."""

    def start(summary: Summary) -> list[State]:
        return summary.states[len(summary.states) - num_layers :]

    return start


def zero_bridge(num_layers: int, leaves: int, units: int) -> Bridge:
    return lambda summary: [(np.zeros(units),) * leaves] * num_layers


Readout = Callable[..., Array]  # of what the decoder knows, part by part


def tanh_readout(matrix: Array, bias: Array) -> Readout:
    return lambda *parts: np.tanh(matrix @ np.concatenate(parts) + bias)


def maxout_readout(matrix: Array, bias: Array) -> Readout:
    """Bahdanau et al. 2015, A.2.2: `t_j = max(u_{2j-1}, u_{2j})`."""

    def read(*parts: Array) -> Array:
        u = matrix @ np.concatenate(parts) + bias
        return np.array([max(pair) for pair in u.reshape(-1, 2)])

    return read


class Steps(NamedTuple):
    """What a decoder gives for T words, and the states after the last."""

    outputs: Array  # (T, H)
    contexts: Array  # (T, M)
    weights: Array  # (T, S)
    readouts: Array  # (T, R)
    states: list[State]


class Stack(NamedTuple):
    """A decoder's cells; residual as Wu et al. 2016, section 3.1."""

    cells: list[CellStep]
    residual: bool

    def step(self, x: Array, states: list[State]) -> tuple[Array, list[State]]:
        bottom = self.cells[0](x, states[0])
        output, above = self.above(bottom[0], states[1:])
        return output, [bottom, *above]

    def above(self, x: Array, states: list[State]) -> tuple[Array, list[State]]:
        new_states = []
        for cell, state in zip(self.cells[1:], states, strict=True):
            new_states.append(cell(x, state))
            x = new_states[-1][0] + (x if self.residual else 0)
        return x, new_states


def plain(stack: Stack, readout: Readout) -> Callable[..., Steps]:
    """Sutskever et al. 2014: `t = tanh(W [s; y])`."""

    def run(words: Array, states: list[State], values: Array) -> Steps:
        outputs, readouts = [], []
        for y in words:
            s, states = stack.step(y, states)
            outputs.append(s)
            readouts.append(readout(s, y))
        nothing = np.zeros((len(words), 0))
        return Steps(
            np.array(outputs), nothing, nothing, np.array(readouts), states
        )

    return run


def bahdanau(
    stack: Stack, score: Score, readout: Readout
) -> Callable[..., Steps]:
    """Bahdanau et al. 2015, A.2.2: attend with s_{i-1}, then s_i of [y; c]."""

    def run(words: Array, states: list[State], values: Array) -> Steps:
        rows = []
        for y in words:
            c, weights = attend(score, states[-1][0], values)
            s, states = stack.step(np.concatenate([y, c]), states)
            rows.append((s, c, weights, readout(s, c, y)))
        return Steps(*map(np.array, zip(*rows, strict=True)), states)

    return run


def conditional(
    stack: Stack, second: CellStep, score: Score, readout: Readout
) -> Callable[..., Steps]:
    """Sennrich et al. 2017, section 2.1: recur, attend, recur."""

    def run(words: Array, states: list[State], values: Array) -> Steps:
        rows = []
        for y in words:
            middle = stack.cells[0](y, states[0])
            c, weights = attend(score, middle[0], values)
            bottom = second(c, middle)
            s, above = stack.above(bottom[0], states[1:])
            states = [bottom, *above]
            rows.append((s, c, weights, readout(s, c, y)))
        return Steps(*map(np.array, zip(*rows, strict=True)), states)

    return run


def luong(
    stack: Stack, score: Score, attentional: Array, feeding: bool
) -> Callable[..., Steps]:
    """Luong et al. 2015, section 3 and, with feeding, section 3.3."""

    def run(words: Array, states: list[State], values: Array) -> Steps:
        rows = []
        fed = np.zeros(attentional.shape[0])
        for y in words:
            x = np.concatenate([y, fed]) if feeding else y
            s, states = stack.step(x, states)
            c, weights = attend(score, s, values)
            fed = np.tanh(attentional @ np.concatenate([c, s]))
            rows.append((fed, c, weights, fed))
        return Steps(*map(np.array, zip(*rows, strict=True)), states)

    return run


def smoothed_loss(logits: Array, target: int, smoothing: float) -> float:
    """Szegedy et al. 2016, section 7: cross-entropy with a mixed target."""
    size = len(logits)
    wanted = np.full(size, smoothing / size)
    wanted[target] += 1 - smoothing
    return -np.sum(wanted * log_softmax(logits))


def gradient(function: Callable[[], float], x: Array) -> Array:
    """Central differences of `function` by each element of `x`, in place."""
    step = 1e-5
    slopes = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1
        slopes[index] = slope(function, x, direction, step)
    return slopes


def slope(
    function: Callable[[], float], x: Array, direction: Array, step: float
) -> float:
    """Central difference of `function` as `x` moves along `direction`."""
    x += step * direction
    above = function()
    x -= 2 * step * direction
    below = function()
    x += step * direction
    return (above - below) / (2 * step)


PAD, BOS, EOS = 0, 2, 3
Words = tuple[int, ...]
LogProbs = Callable[[Words], Array]  # (V,), of the word after these


class Hypothesis(NamedTuple):
    words: Words  # with the final EOS
    log_prob: float
    score: float


def length_penalty(length: int, alpha: float) -> float:
    """Wu et al. 2016, equation 14."""
    return (5 + length) ** alpha / (5 + 1) ** alpha


def greedy(log_probs: LogProbs, limit: int, end: int | None = EOS) -> Words:
    """The likeliest word at each step, until the end or the limit.

    Without an end there are `limit` words, whichever they are.
    """
    words: Words = ()
    while len(words) < limit and end not in words:
        allowed = _allowed(log_probs(words), len(words) + 1 == limit, end)
        words += (max(allowed, key=lambda word: allowed[word]),)
    return words


def beam(
    log_probs: LogProbs,
    limit: int,
    size: int,
    alpha: float,
    end: int | None = EOS,
) -> list[Hypothesis]:
    """Beam search to the limit, which never stops early."""
    open_: list[tuple[float, Words]] = [(0.0, ())]
    pool: list[Hypothesis] = []
    for length in range(1, limit + 1):
        is_last = length == limit
        candidates = [
            (total + gained, (*words, word))
            for total, words in open_
            for word, gained in _allowed(log_probs(words), is_last, end).items()
        ]
        candidates = sorted(candidates, reverse=True)[: 2 * size]
        ended = [is_last or c[1][-1] == end for c in candidates]
        pool += [
            _hypothesis(*candidate, alpha)
            for candidate in itertools.compress(candidates, ended)
        ]
        goes_on = [not each for each in ended]
        open_ = list(itertools.compress(candidates, goes_on))[:size]
    return sorted(pool, key=lambda h: h.score, reverse=True)[:size]


def every(
    log_probs: LogProbs,
    limit: int,
    vocabulary: int,
    alpha: float,
    end: int | None = EOS,
) -> list[Hypothesis]:
    """All there are, the best first."""
    found = []
    for words in sequences(limit, vocabulary, end):
        total = sum(log_probs(words[:t])[w] for t, w in enumerate(words))
        found.append(_hypothesis(float(total), words, alpha))
    return sorted(found, key=lambda h: h.score, reverse=True)


def sequences(
    limit: int, vocabulary: int, end: int | None = EOS
) -> Iterator[Words]:
    """Every translation of at most `limit` words, the end included.

    Without an end, of `limit` words.
    """
    inner = sorted(set(range(vocabulary)) - {PAD, BOS, end})
    if end is None:
        yield from itertools.product(inner, repeat=limit)
        return
    for length in range(limit):
        for words in itertools.product(inner, repeat=length):
            yield (*words, end)


def _allowed(
    log_probs: Sequence[float], last: bool, end: int | None
) -> dict[int, float]:
    words = [end] if last and end is not None else range(len(log_probs))
    return {w: float(log_probs[w]) for w in words if w not in (PAD, BOS)}


def _hypothesis(total: float, words: Words, alpha: float) -> Hypothesis:
    score = total / length_penalty(len(words), alpha)
    return Hypothesis(words, total, score)
