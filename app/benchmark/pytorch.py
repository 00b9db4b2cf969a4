"""The reference model in PyTorch, as its users tune it by hand.

Keys are made once a sentence, the words' part of the gates and the softmax
layer are one product each over all steps. It is used where PyTorch happens to
be installed; nothing of ours needs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from app.benchmark.work import Batch, limit
from app.device import cores
from data import Tokenizer

CLIP_NORM = 5.0
MASKED = -1e9


class Network(nn.Module, ABC):
    """What both variants share: embeddings, encoder, keys, softmax layer."""

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
        """What attention needs, and the first state (B, H)."""
        values, last = self.encoder(self.source(source))
        state = torch.tanh(self.bridge(torch.cat([last[0], last[1]], -1)))
        return (values, self.key(values), source == 0), state

    @abstractmethod
    def outputs(
        self, words: torch.Tensor, memory: Any, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Readouts (B, T, R) for embedded words (B, T, E); the last state."""

    def forward(
        self, source: torch.Tensor, target_in: torch.Tensor
    ) -> torch.Tensor:
        memory, state = self.encode(source)
        readout, _ = self.outputs(self.target(target_in), memory, state)
        return self.softmax(readout)


class Bahdanau(Network):
    """Attend with the previous state, then recur."""

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
    """Recur, then attend with the general score, all steps at once."""

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
    """A network with its optimizer; see `System`."""

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
                logits[..., Tokenizer.EOS] = MASKED  # all go to their limit
                last = logits.argmax(-1)
