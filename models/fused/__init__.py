"""Recurrences whose gradient is written by hand.

Backward in time goes only what the step before needs; every gradient of a
weight is one product over all steps. Each computes what the plain loop over
`step` does, which stays as the reference: tests hold values and gradients
equal.
"""

from models.fused.attending import Looked, bahdanau_loop, conditional_loop
from models.fused.feeding import feeding_loop
from models.fused.gates import GATES, Gates
from models.fused.switch import fused, gates_of
from models.fused.unrolling import unroll

__all__ = [
    "GATES",
    "Gates",
    "Looked",
    "bahdanau_loop",
    "conditional_loop",
    "feeding_loop",
    "fused",
    "gates_of",
    "unroll",
]
