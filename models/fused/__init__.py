"""Fused loops: loops over time whose gradient is written by hand.

In the backward pass, only the gradients of the state are computed step by step.
The gradient of each weight matrix is computed after the loop, as one matrix
product over all steps. This is faster than automatic differentiation.

Each fused loop gives the same result as a plain loop that calls the method
`step` of a cell or decoder. Tests compare the values and gradients of both.
"""

from models.fused.attending import bahdanau_loop
from models.fused.conditional import conditional_loop
from models.fused.feeding import feeding_loop
from models.fused.gates import GATES, Gates
from models.fused.looking import Looked
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
