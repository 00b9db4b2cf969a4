"""Reference model, written as PyTorch users write fast models.

The keys of attention are computed once for each sentence, not in each decoder
step. In training, one matrix product computes the contribution of the words to
the gates for all decoder steps, and another one computes the logits of all
steps. The benchmark includes this model if PyTorch is installed; Glimpse does
not need PyTorch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from app.experiments.benchmark.work import Batch, limit
from app.machine.device import cores
from data import Tokenizer

CLIP_NORM = 5.0
MASKED = -1e9


class Network(nn.Module, ABC):
    """Base class of `Bahdanau` and `Luong`, which differ only in the decoder.

    It has the embeddings, the encoder, the layer that makes the keys of
    attention, and the layer that makes logits.

    Args:
        vocabulary: size of the source and of the target vocabulary.
        units: size H of the states of the decoder, and of each of the two
            directions of the encoder.
        embedding: size E of word embeddings and of readouts.
    """

    def __init__(self, vocabulary: int, units: int, embedding: int) -> None:
        super().__init__()
        self.source = nn.Embedding(vocabulary, embedding)
        self.target = nn.Embedding(vocabulary, embedding)
        self.encoder = nn.GRU(
            embedding, units, batch_first=True, bidirectional=True
        )
        self.bridge = nn.Linear(2 * units, units)
        self.key = nn.Linear(2 * units, units, bias=False)
        self.softmax = nn.Linear(embedding, vocabulary)

    def encode(self, source: torch.Tensor) -> tuple[Any, torch.Tensor]:
        """Encode source ids (B, S), padded with 0.

        Returns:
            A tuple for attention, and the decoder's initial state (B, H). The
            tuple for attention has the values (B, S, 2H), the keys (B, S, H),
            and a mask (B, S) that is True at padding.
        """
        values, last = self.encoder(self.source(source))
        state = torch.tanh(self.bridge(torch.cat([last[0], last[1]], -1)))
        return (values, self.key(values), source == 0), state

    @abstractmethod
    def outputs(
        self, words: torch.Tensor, memory: Any, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the decoder on given words, up to the layer that makes logits.

        Args:
            words: embeddings (B, T, E) of the words that the decoder reads.
            memory: the tuple of values, keys and mask that `encode` returns.
            state: state (B, H) of the decoder before the first word.

        Returns:
            The readouts (B, T, E), from which logits are made, and the state
            (B, H) after the last word.
        """

    def forward(
        self, source: torch.Tensor, target_in: torch.Tensor
    ) -> torch.Tensor:
        memory, state = self.encode(source)
        readout, _ = self.outputs(self.target(target_in), memory, state)
        return self.softmax(readout)


class Bahdanau(Network):
    """Network whose decoder attends before it updates its state in each step.

    The query of attention is the decoder's previous state. The context that
    attention returns is an input of the update.
    """

    def __init__(self, vocabulary: int, units: int, embedding: int) -> None:
        super().__init__(vocabulary, units, embedding)
        self.query = nn.Linear(units, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)
        self.from_word = nn.Linear(embedding, 3 * units)
        self.from_context = nn.Linear(2 * units, 3 * units, bias=False)
        self.from_state = nn.Linear(units, 3 * units)
        self.readout = nn.Linear(3 * units + embedding, embedding)

    def outputs(
        self, words: torch.Tensor, memory: Any, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        values, keys, padding = memory
        states, contexts = [], []
        for projected in self.from_word(words).unbind(1):
            hidden = torch.tanh(keys + self.query(state)[:, None])
            scores = self.score(hidden).squeeze(-1)
            weights = scores.masked_fill(padding, MASKED).softmax(-1)
            context = torch.bmm(weights[:, None], values)[:, 0]
            state = self._recur(projected + self.from_context(context), state)
            states.append(state)
            contexts.append(context)
        parts = [torch.stack(states, 1), torch.stack(contexts, 1), words]
        return torch.tanh(self.readout(torch.cat(parts, -1))), state

    def _recur(self, x: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        x_update, x_reset, x_new = x.chunk(3, -1)
        h_update, h_reset, h_new = self.from_state(state).chunk(3, -1)
        update = torch.sigmoid(x_update + h_update)
        reset = torch.sigmoid(x_reset + h_reset)
        new = torch.tanh(x_new + reset * h_new)
        return new + update * (state - new)


class Luong(Network):
    """Network whose decoder runs a GRU over all words first, then attends.

    Attention uses the score that Luong et al. call "general".
    """

    def __init__(self, vocabulary: int, units: int, embedding: int) -> None:
        super().__init__(vocabulary, units, embedding)
        self.decoder = nn.GRU(embedding, units, batch_first=True)
        self.readout = nn.Linear(3 * units, embedding, bias=False)

    def outputs(
        self, words: torch.Tensor, memory: Any, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        values, keys, padding = memory
        states, last = self.decoder(words, state[None])
        scores = torch.bmm(states, keys.transpose(1, 2))
        weights = scores.masked_fill(padding[:, None], MASKED).softmax(-1)
        contexts = torch.bmm(weights, values)
        readout = self.readout(torch.cat([contexts, states], -1))
        return torch.tanh(readout), last[0]


NETWORKS: dict[str, type[Network]] = {"bahdanau": Bahdanau, "luong": Luong}


class PyTorch:
    """Network in PyTorch with its optimizer, as a `System` of the benchmark.

    Args:
        decoder: name of the network, a key of `NETWORKS`.
        vocabulary: size of the source and of the target vocabulary.
        units: size of the states of the decoder, and of each of the two
            directions of the encoder.
        embedding: size of word embeddings and of readouts.
    """

    def __init__(
        self, decoder: str, vocabulary: int, units: int, embedding: int
    ) -> None:
        torch.manual_seed(1)
        torch.set_num_threads(cores())
        self.network = NETWORKS[decoder](vocabulary, units, embedding)
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-3)
        self.parameters = sum(
            each.numel() for each in self.network.parameters()
        )

    def train(self, batches: Sequence[Batch]) -> None:
        self.network.train()
        for batch in batches:
            source, target_in, target_out = (
                torch.from_numpy(each).long()
                for each in (batch.source, batch.target_in, batch.target_out)
            )
            self.optimizer.zero_grad(set_to_none=True)
            logits = self.network(source, target_in)
            loss = functional.cross_entropy(
                logits.flatten(0, 1),
                target_out.flatten(),
                ignore_index=Tokenizer.PAD,
            )
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
            self.optimizer.step()

    @torch.inference_mode()
    def greedy(self, sources: Sequence[np.ndarray]) -> None:
        self.network.eval()
        for batch in sources:
            source = torch.from_numpy(batch).long()
            memory, state = self.network.encode(source)
            last = torch.full((len(source), 1), Tokenizer.BOS)
            for _ in range(limit(batch)):
                words = self.network.target(last)
                readout, state = self.network.outputs(words, memory, state)
                logits = self.network.softmax(readout)
                logits[..., Tokenizer.EOS] = MASKED  # no translation ends early
                last = logits.argmax(-1)
