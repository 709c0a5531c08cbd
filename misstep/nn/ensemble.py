"""Ensembles: several networks of one shape side by side in one network, of which the mean answers.

`Ensemble` deals the rows out and averages; `MemberDense` is the dense layer whose members each have
weights of their own. Values inside are (rows, members, features). Knows no data and no training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from misstep.errors import ShapeError
from misstep.ir import Value
from misstep.nn.activations import ReLU
from misstep.nn.containers import Sequential
from misstep.nn.initializers import GlorotUniform, Zeros
from misstep.nn.layers import Dense, Dropout, Flatten, positive_whole
from misstep.nn.module import LayerExample, Module
from misstep.nn.tracing import current_trace
from misstep.ops import broadcast_to, concatenate, mean, reshape, transpose
from misstep.text.counts import plural


class Ensemble(Sequential):
    """Several members that learn from different rows; the answer is the mean of what they say.

    x: (batch, …) → (batch, outputs). The layers get (rows, members, …) and must give back (rows,
    members, outputs). In training each row of a batch goes to one member, the next row to the next
    member, so that a batch costs no more than it would without members and no two members learn
    from the same batches; where rows do not go round evenly, the first row fills up and counts
    nothing. In evaluation every member answers every row. Members that differ by their first
    weights and their batches err differently, and the mean of their raw outputs errs less than they
    do (Lakshminarayanan, Pritzel and Blundell, 2017).

    Layers that work entry by entry, such as activations and dropout, serve members as they are;
    those with weights for each member are `MemberDense` and `PeriodicEmbedding`. Weights of other
    layers are shared by all members. Raises ArgumentError for members below 1, ShapeError for
    layers that lose the members.

    >>> import misstep as ms
    >>> layers = ms.Ensemble(ms.MemberDense(16), ms.ReLU(), ms.MemberDense(1), members=4)
    >>> ms.Network(layers, input_shape=(3,)).parameter_count  # 4 × (3 × 16 + 16 + 16 + 1)
    324
    """

    def __init__(self, *layers: Module, members: int = 8) -> None:
        super().__init__(*layers)
        positive_whole("Ensemble", "members", members)
        self.members = members

    def forward(self, x: Value) -> Value:
        """Return what each row's member says in training, the mean of all in evaluation."""
        if x.ndim < 2:
            raise ShapeError(
                "the input of Ensemble",
                needed="(batch, features) with a feature or more",
                got=str(x.shape),
            )
        trace = current_trace()
        trace.mask = None
        count, rest = x.shape[0], x.shape[1:]
        if not trace.training:
            each = broadcast_to(reshape(x, (count, 1, *rest)), (count, self.members, *rest))
            return mean(self._answers(each), 1)
        rows = -(-count // self.members)
        left = rows * self.members - count
        if left:
            x = concatenate([x, broadcast_to(x[:1], (left, *rest))], 0)
        answers = self._answers(reshape(x, (rows, self.members, *rest)))
        return reshape(answers, (rows * self.members, *answers.shape[2:]))[:count]

    def _answers(self, x: Value) -> Value:
        answers = super().forward(x)
        if answers.shape[:2] != x.shape[:2]:
            raise ShapeError(
                f"the layers of {self.describe()}",
                needed="(rows, members, …) with rows and members as they came",
                got=f"{answers.shape} from {x.shape}",
                try_="ms.MemberDense as the last layer",
            )
        return answers

    def configuration(self) -> dict[str, Any]:
        """Return the kind, the layers and the number of members as plain JSON."""
        return {**super().configuration(), "members": self.members}

    def describe(self) -> str:
        """Return the mean of 8 members."""
        return f"the mean of {self.members} {plural(self.members, 'member')}"

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, members={self.members})"

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(MemberDense(4), ReLU(), Dropout(0.2), MemberDense(2), members=3), (4,)
        yield cls(MemberDense(2), members=1), (2,)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(MemberDense(2), members=0), (4,)
        yield lambda: cls(MemberDense(2), members="all"), (4,)  # type: ignore[arg-type]
        yield lambda: cls(Dense), (4,)  # type: ignore[arg-type]
        yield lambda: cls(MemberDense(2)), ()
        yield lambda: cls(MemberDense(2), Flatten()), (4,)


@dataclass(frozen=True)
class MemberDense(Dense):
    """As `Dense`, with weights of its own for each member: xₘ Wₘ + bₘ.

    x: (batch, members, inputs) → (batch, members, units); W: (members, inputs, units); b: (members,
    units). Settings and errors are those of `Dense`.

    >>> import misstep as ms
    >>> ms.Network(ms.MemberDense(3), input_shape=(4, 2)).parameter_count  # 4 × (2 × 3 + 3)
    36
    """

    def forward(self, x: Value) -> Value:
        """Return xₘ Wₘ + bₘ for each member m."""
        if x.ndim != 3 or 0 in x.shape[1:]:
            raise ShapeError(
                f"the input of {self}",
                needed="(batch, members, features)",
                got=str(x.shape),
                try_="standing inside ms.Ensemble(…)",
            )
        members, inputs = x.shape[1:]
        following = current_trace().following
        initializer = self.initializer or getattr(following, "suits", None) or GlorotUniform()
        weight = self.parameter(
            "weight", (members, inputs, self.units), initializer, fan_in=inputs, fan_out=self.units
        )
        y = transpose(transpose(x, (1, 0, 2)) @ weight, (1, 0, 2))
        if not self.bias:
            return y
        return y + self.parameter(
            "bias", (members, self.units), self.bias_initializer or Zeros(), regularized=False
        )

    def describe(self) -> str:
        """Return dense for each member, 128 units."""
        return super().describe().replace("dense", "dense for each member")

    @classmethod
    def examples(cls) -> Iterator[LayerExample]:
        yield cls(3), (2, 4)
        yield cls(2, bias=False), (3, 4)

    @classmethod
    def bad_examples(cls) -> Iterator[tuple[Any, tuple[int, ...]]]:
        yield lambda: cls(0), (2, 4)
        yield lambda: cls(3), (4,)
        yield lambda: cls(3), (2, 0)
