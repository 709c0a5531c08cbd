"""What a program is: Value, Graph, the contract of ops, verifier, text form, interpreter.

This floor knows no op by name. Read in this order: value, op, graph, interpret, verify, text.
"""

from misstep.ir.graph import Graph, in_float64, rebuild
from misstep.ir.interpret import Interpreter, evaluate, one_blas_thread
from misstep.ir.location import NOWHERE, Location, current_location, located_at
from misstep.ir.op import Op, find_op, registered_ops
from misstep.ir.origin import Origin, origin_of
from misstep.ir.text import read_graph, write_graph
from misstep.ir.value import (
    DTYPES,
    FLOATS,
    Array,
    Type,
    Value,
    ancestors,
    as_array,
    make_input,
    make_literal,
    make_parameter,
    serial_by_now,
)
from misstep.ir.verify import verify

__all__ = [
    "DTYPES",
    "FLOATS",
    "NOWHERE",
    "Array",
    "Graph",
    "Interpreter",
    "Location",
    "Op",
    "Origin",
    "Type",
    "Value",
    "ancestors",
    "as_array",
    "current_location",
    "evaluate",
    "find_op",
    "in_float64",
    "located_at",
    "make_input",
    "make_literal",
    "make_parameter",
    "one_blas_thread",
    "origin_of",
    "read_graph",
    "rebuild",
    "registered_ops",
    "serial_by_now",
    "verify",
    "write_graph",
]
