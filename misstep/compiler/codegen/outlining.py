"""Kernels as functions of their own: kernels that differ in addresses only share one.

A deep network has many layers of one size; each of their kernels is the same code at other places
in memory. Written as a function of addresses, row bounds and scalars, it is compiled once. Knows
code, nothing of kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from misstep.compiler.codegen.kernels import Emission
from misstep.compiler.codegen.target import Target
from misstep.compiler.language.code import Number
from misstep.compiler.language.element_code import ElementCode
from misstep.compiler.language.views import Buffer, View
from misstep.ir import Value


class _Scalars(dict[Value, Number]):
    """Single numbers worked out outside: inside, each is a parameter from its first use on."""

    def __init__(self, outside: dict[Value, Number], take: Callable[[Number], Number]) -> None:
        super().__init__()
        self._outside = outside
        self._take = take

    def __contains__(self, value: object) -> bool:
        return super().__contains__(value) or value in self._outside

    def __missing__(self, value: Value) -> Number:
        self[value] = self._take(self._outside[value])
        return self[value]


@dataclass
class Functions:
    """The functions of a module, by what they do; `texts` are their definitions."""

    target: Target
    texts: list[str] = field(default_factory=list)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def call(
        self, emission: Emission, write: Callable[[Emission], None], result: Value | None
    ) -> None:
        """Write, at `emission`, a call of the function whose body `write` writes.

        `result`: the scalar that it leaves, if it leaves one.
        """
        inside = _Inside(emission)
        write(inside.emission)
        emission.scratch_bytes = max(emission.scratch_bytes, inside.emission.scratch_bytes)
        number = None if result is None else inside.emission.scalars[result]
        result_type = "void" if number is None else number.type
        parameters = ", ".join(
            f"{parameter.type} {parameter.text}" for parameter in inside.parameters.values()
        )
        back = "ret void" if number is None else f"ret {number}"
        body = "\n".join(["entry:", *inside.emission.code.lines, "  " + back])
        name = self._names.get((f"{result_type} {parameters}", body))
        if name is None:
            name = f"kernel{len(self._names)}"
            self._names[f"{result_type} {parameters}", body] = name
            self.texts.append(
                f"define internal {result_type} @{name}({parameters}) noinline "
                f"{self.target.function_attributes} {{\n{body}\n}}"
            )
        arguments = ", ".join(
            f"{parameter.type} {text}" for text, parameter in inside.parameters.items()
        )
        if number is None or result is None:
            emission.code.emit(f"call void @{name}({arguments})")
        else:
            called = emission.code.result(
                f"call {result_type} @{name}({arguments})", number.llvm_type
            )
            emission.scalars[result] = called


class _Inside:
    """An emission within a function: what it takes from outside becomes a parameter."""

    def __init__(self, outside: Emission) -> None:
        # By the text that each has outside.
        self.parameters: dict[str, Number] = {}
        self._outside = outside
        self._bases: dict[tuple[Buffer, int], Number] = {}
        self.emission = Emission(
            ElementCode(outside.code.declarations),
            outside.fused,
            outside.target,
            self._address,
            self._bounds,
            self.take(outside.scratch),
            _Scalars(outside.scalars, self.take),
            chaining=outside.chaining,
            take=self.take,
        )

    def take(self, number: Number) -> Number:
        """Return a number of outside as it is called inside; constants stay what they are."""
        if not number.text.startswith("%"):
            return number
        if number.text not in self.parameters:
            name = f"%p{len(self.parameters)}"
            self.parameters[number.text] = Number(name, number.llvm_type, number.lanes)
        return self.parameters[number.text]

    def _address(self, view: View) -> Number:
        key = view.buffer, view.offset
        if key not in self._bases:
            self._bases[key] = self.take(self._outside.addresses(view))
        return self._bases[key]

    def _bounds(self, rows: int) -> tuple[Number, Number]:
        low, high = self._outside.bounds(rows)
        return self.take(low), self.take(high)
