"""Writes LLVM's text form, one function at a time: typed numbers, arithmetic, memory, loops.

`Number` (from `llvm_types.py`) is one result, a scalar or a vector of lanes; `Code` is one function
under construction. The methods are named for what they mean, so that an op's `lower` reads like its
formula. Floating-point arithmetic is written without any permission to reorder or fuse: what stands
here is what runs, on every processor, for any width of its vectors. Knows LLVM's language (LLVM
Language Reference Manual), no op and no graph. `runtime/native.py` turns the text into something
that can be called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from misstep.compiler.language.llvm_types import (
    BYTES,
    FLOAT_TYPES,
    LLVM_TYPES,
    Number,
    constant_text,
    type_letters,
    vector_type,
)
from misstep.errors import GraphError

__all__ = [
    "BYTES",
    "FLOAT_TYPES",
    "LLVM_TYPES",
    "Code",
    "Loop",
    "Number",
    "constant_text",
    "vector_type",
]


# Instructions whose results are never subnormal where a program runs (codegen/entry.py).
ARITHMETIC = ("fadd ", "fsub ", "fmul ", "fdiv ", "fptrunc ")
ARITHMETIC_CALLS = ("llvm.fma", "llvm.sqrt", "llvm.canonicalize")


class Loop:
    """A loop under construction: its `index`, the `values` carried into this round, and `next`.

    The body must set `next` to as many Numbers as there are values; after the loop, `results` holds
    the values of the last round.
    """

    def __init__(self, index: Number, values: list[Number]) -> None:
        self.index = index
        self.values = values
        self.next: list[Number] = list(values)
        self.results: list[Number] = []


class Code:
    """One function under construction.

    `declarations`: shared by the functions of a module; what is called from LLVM's own library.
    """

    def __init__(self, declarations: set[str] | None = None) -> None:
        self.lines: list[str] = []
        self.declarations = declarations if declarations is not None else set()
        # Results of arithmetic, which are never subnormal: the processor is set so.
        self._flushed: set[str] = set()
        self._count = 0
        self._block = "entry"

    # --- results and blocks -------------------------------------------------------------------

    def fresh(self, llvm_type: str, lanes: int = 0) -> Number:
        """Return a new name for a result."""
        self._count += 1
        return Number(f"%r{self._count}", llvm_type, lanes)

    def emit(self, line: str) -> None:
        """Write a line."""
        self.lines.append("  " + line)

    def result(self, text: str, llvm_type: str, lanes: int = 0) -> Number:
        """Write an assignment and return its result."""
        result = self.fresh(llvm_type, lanes)
        self.lines.append(f"  {result.text} = {text}")
        if text.startswith(ARITHMETIC):
            self._flushed.add(result.text)
        return result

    def label(self, hint: str) -> str:
        """Return a new name for a block."""
        self._count += 1
        return f"{hint}{self._count}"

    def start_block(self, label: str) -> None:
        """Go on in the block `label`."""
        self.lines.append(f"{label}:")
        self._block = label

    @property
    def block(self) -> str:
        """Return the block that is being written."""
        return self._block

    def comment(self, words: str) -> None:
        """Write words for people who read the code."""
        self.lines.append("  ; " + words.replace("\n", " "))

    # --- constants ----------------------------------------------------------------------------

    def constant(self, number: float | int | bool, llvm_type: str, lanes: int = 0) -> Number:
        """Return a constant, in every lane; floating-point numbers keep all their bits."""
        text = constant_text(number, llvm_type)
        return Number(f"splat ({llvm_type} {text})" if lanes else text, llvm_type, lanes)

    def constants(self, numbers: Sequence[float | int | bool], llvm_type: str) -> Number:
        """Return a vector constant with a number for each lane."""
        parts = ", ".join(f"{llvm_type} {constant_text(number, llvm_type)}" for number in numbers)
        return Number(f"<{parts}>", llvm_type, len(numbers))

    def like(self, number: float | int | bool, other: Number) -> Number:
        """Return a constant of the type and lanes of `other`."""
        return self.constant(number, other.llvm_type, other.lanes)

    def index(self, number: int) -> Number:
        """Return a whole number for addresses and loops."""
        return Number(str(int(number)), "i64")

    # --- arithmetic ---------------------------------------------------------------------------

    def binary(self, word: str, a: Number, b: Number) -> Number:
        """Return the result of a two-operand instruction of LLVM."""
        if a.type != b.type:
            raise GraphError(f"the instruction {word}", needed=a.type, got=b.type)
        return self.result(f"{word} {a.type} {a.text}, {b.text}", a.llvm_type, a.lanes)

    def add(self, a: Number, b: Number) -> Number:
        """Return a + b."""
        return self.binary("fadd" if a.is_float else "add", a, b)

    def subtract(self, a: Number, b: Number) -> Number:
        """Return a − b."""
        return self.binary("fsub" if a.is_float else "sub", a, b)

    def multiply(self, a: Number, b: Number) -> Number:
        """Return a · b (of truth values: both)."""
        return self.binary("fmul" if a.is_float else "and" if a.llvm_type == "i1" else "mul", a, b)

    def divide(self, a: Number, b: Number) -> Number:
        """Return a / b for floating-point numbers."""
        return self.binary("fdiv", a, b)

    def negate(self, a: Number) -> Number:
        """Return −a."""
        if a.is_float:
            return self.result(f"fneg {a.type} {a.text}", a.llvm_type, a.lanes)
        return self.subtract(self.like(0, a), a)

    def fma(self, a: Number, b: Number, c: Number) -> Number:
        """Return a · b + c, rounded once."""
        return self.intrinsic("llvm.fma", a, b, c)

    def sqrt(self, a: Number) -> Number:
        """Return the square root, correctly rounded."""
        return self.intrinsic("llvm.sqrt", a)

    def absolute(self, a: Number) -> Number:
        """Return |a|."""
        if a.is_float:
            return self.intrinsic("llvm.fabs", a)
        return self.select(self.less(a, self.like(0, a)), self.negate(a), a)

    def flushed(self, a: Number) -> Number:
        """Return floating-point numbers with a zero of the same sign for each subnormal one.

        What arithmetic has just given comes back as it is.
        """
        return a if a.text in self._flushed else self.intrinsic("llvm.canonicalize", a)

    def floor(self, a: Number) -> Number:
        """Return the whole number at or below a."""
        return self.intrinsic("llvm.floor", a)

    def ceil(self, a: Number) -> Number:
        """Return the whole number at or above a."""
        return self.intrinsic("llvm.ceil", a)

    def truncate(self, a: Number) -> Number:
        """Return the whole number at or next to a toward 0."""
        return self.intrinsic("llvm.trunc", a)

    def round_even(self, a: Number) -> Number:
        """Return the nearest whole number, the even one at a tie."""
        return self.intrinsic("llvm.roundeven", a)

    def copy_sign(self, size: Number, sign: Number) -> Number:
        """Return `size` with the sign of `sign`."""
        return self.intrinsic("llvm.copysign", size, sign)

    def maximum(self, a: Number, b: Number) -> Number:
        """Return the larger, NaN if either is (NumPy's maximum)."""
        if not a.is_float:
            return self.select(self.less(a, b), b, a)
        return self.select(self.or_(self.compare("ogt", a, b), self.is_nan(a)), a, b)

    def minimum(self, a: Number, b: Number) -> Number:
        """Return the smaller, NaN if either is (NumPy's minimum)."""
        if not a.is_float:
            return self.select(self.less(b, a), b, a)
        return self.select(self.or_(self.compare("olt", a, b), self.is_nan(a)), a, b)

    def intrinsic(self, name: str, *operands: Number, lanes: int | None = None) -> Number:
        """Return what a function of LLVM's own library, overloaded by its first operand, gives.

        `lanes`: of the result, where it has not as many as the operands.
        """
        first = operands[0]
        full = f"{name}.{type_letters(first.llvm_type, first.lanes)}"
        lanes = first.lanes if lanes is None else lanes
        result = vector_type(first.llvm_type, lanes)
        types = ", ".join(operand.type for operand in operands)
        self.declarations.add(f"declare {result} @{full}({types})")
        call = f"call {result} @{full}({', '.join(map(str, operands))})"
        number = self.result(call, first.llvm_type, lanes)
        if name in ARITHMETIC_CALLS:
            self._flushed.add(number.text)
        return number

    # --- bits ---------------------------------------------------------------------------------

    def and_(self, a: Number, b: Number) -> Number:
        """Return the bits set in both."""
        return self.binary("and", a, b)

    def or_(self, a: Number, b: Number) -> Number:
        """Return the bits set in either."""
        return self.binary("or", a, b)

    def xor(self, a: Number, b: Number) -> Number:
        """Return the bits set in one of both."""
        return self.binary("xor", a, b)

    def not_(self, a: Number) -> Number:
        """Return the opposite of truth values."""
        return self.xor(a, self.like(True, a))

    def shift_left(self, a: Number, count: Number) -> Number:
        """Return the bits moved up."""
        return self.binary("shl", a, count)

    def shift_right(self, a: Number, count: Number) -> Number:
        """Return the bits moved down, zeros from above."""
        return self.binary("lshr", a, count)

    def bits_as(self, a: Number, llvm_type: str) -> Number:
        """Return the same bits as numbers of another type of the same size."""
        result = vector_type(llvm_type, a.lanes)
        return self.result(f"bitcast {a} to {result}", llvm_type, a.lanes)

    # --- comparing and choosing ---------------------------------------------------------------

    def compare(self, how: str, a: Number, b: Number) -> Number:
        """Return truth values: `how` is LLVM's word, as olt, oeq, une, slt, ult."""
        word = "fcmp" if a.is_float else "icmp"
        return self.result(f"{word} {how} {a.type} {a.text}, {b.text}", "i1", a.lanes)

    def less(self, a: Number, b: Number) -> Number:
        """Return a < b (whole numbers with their sign)."""
        return self.compare("olt" if a.is_float else "slt", a, b)

    def less_equal(self, a: Number, b: Number) -> Number:
        """Return a ≤ b (whole numbers with their sign)."""
        return self.compare("ole" if a.is_float else "sle", a, b)

    def equal(self, a: Number, b: Number) -> Number:
        """Return a = b."""
        return self.compare("oeq" if a.is_float else "eq", a, b)

    def is_nan(self, a: Number) -> Number:
        """Return whether a is no number."""
        return self.compare("uno", a, a)

    def select(self, condition: Number, a: Number, b: Number) -> Number:
        """Return a where the condition holds, else b."""
        return self.result(f"select {condition}, {a}, {b}", a.llvm_type, a.lanes)

    # --- conversion ---------------------------------------------------------------------------

    def convert(
        self, a: Number, llvm_type: str, *, signed: bool = True, to_signed: bool = True
    ) -> Number:
        """Return `a` as numbers of `llvm_type`, as C converts; truth is whether a number is not 0.

        `signed`, `to_signed`: whether whole numbers given and wanted have a sign.
        """
        if a.llvm_type == llvm_type:
            return a
        if llvm_type == "i1":
            zero = self.like(0, a)
            return self.compare("une" if a.is_float else "ne", a, zero)
        result = vector_type(llvm_type, a.lanes)
        signed = signed and a.llvm_type != "i1"
        if a.is_float and llvm_type in FLOAT_TYPES:
            word = "fpext" if BYTES[llvm_type] > BYTES[a.llvm_type] else "fptrunc"
        elif a.is_float:
            word = "fptosi" if to_signed else "fptoui"
        elif llvm_type in FLOAT_TYPES:
            word = "sitofp" if signed else "uitofp"
        elif a.llvm_type != "i1" and BYTES[llvm_type] < BYTES[a.llvm_type]:
            word = "trunc"
        else:
            word = "sext" if signed else "zext"
        return self.result(f"{word} {a} to {result}", llvm_type, a.lanes)

    # --- lanes --------------------------------------------------------------------------------

    def splat(self, a: Number, lanes: int) -> Number:
        """Return a scalar in every lane."""
        if a.lanes or not lanes:
            return a
        if not a.text.startswith("%"):
            return Number(f"splat ({a.llvm_type} {a.text})", a.llvm_type, lanes)
        wide = f"<{lanes} x {a.llvm_type}>"
        first = self.result(f"insertelement {wide} poison, {a}, i64 0", a.llvm_type, lanes)
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.result(f"shufflevector {first}, {wide} poison, {zeros}", a.llvm_type, lanes)

    def lane(self, a: Number, lane: int | Number) -> Number:
        """Return one lane as a scalar."""
        at = lane if isinstance(lane, Number) else self.index(lane)
        return self.result(f"extractelement {a}, {at}", a.llvm_type)

    def with_lane(self, a: Number, value: Number, lane: int) -> Number:
        """Return `a` with another scalar in one lane."""
        return self.result(f"insertelement {a}, {value}, i64 {lane}", a.llvm_type, a.lanes)

    def shuffle(self, a: Number, b: Number, lanes: Sequence[int]) -> Number:
        """Return lanes by their numbers, counted through `a` and on through `b`; −1: any."""
        mask = ", ".join(f"i32 {lane}" if lane >= 0 else "i32 poison" for lane in lanes)
        return self.result(
            f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{mask}>", a.llvm_type, len(lanes)
        )

    def lane_numbers(self, llvm_type: str, lanes: int) -> Number:
        """Return 0, 1, 2, … in the lanes."""
        return self.constants(list(range(lanes)), llvm_type)

    def first_lanes(self, count: Number, lanes: int) -> Number:
        """Return truth in the first `count` lanes: the mask of a tail."""
        wide = self.splat(count, lanes)
        return self.compare("slt", self.lane_numbers(count.llvm_type, lanes), wide)

    # --- memory -------------------------------------------------------------------------------

    def address(self, base: Number, offset: Number, llvm_type: str) -> Number:
        """Return the address `offset` entries of `llvm_type` behind `base`."""
        stored = "i8" if llvm_type == "i1" else llvm_type
        return self.result(f"getelementptr inbounds {stored}, {base}, {offset}", "ptr")

    def load(
        self, where: Number, llvm_type: str, lanes: int = 0, mask: Number | None = None
    ) -> Number:
        """Return what stands at an address; with a mask, lanes outside of it are 0, never read."""
        stored = "i8" if llvm_type == "i1" else llvm_type
        size = BYTES[stored]
        wide = vector_type(stored, lanes)
        if mask is None:
            loaded = self.result(f"load {wide}, {where}, align {size}", stored, lanes)
        else:
            name = f"llvm.masked.load.{type_letters(stored, lanes)}.p0"
            self.declarations.add(
                f"declare {wide} @{name}(ptr, i32 immarg, <{lanes} x i1>, {wide})"
            )
            loaded = self.result(
                f"call {wide} @{name}({where}, i32 {size}, {mask}, {wide} zeroinitializer)",
                stored,
                lanes,
            )
        return self.convert(loaded, "i1") if llvm_type == "i1" else loaded

    def store(self, value: Number, where: Number, mask: Number | None = None) -> None:
        """Write a number to an address; with a mask, only its lanes."""
        if value.llvm_type == "i1":
            value = self.convert(value, "i8")
        size = BYTES[value.llvm_type]
        if mask is None:
            self.emit(f"store {value}, {where}, align {size}")
            return
        name = f"llvm.masked.store.{type_letters(value.llvm_type, value.lanes)}.p0"
        self.declarations.add(
            f"declare void @{name}({value.type}, ptr, i32 immarg, <{value.lanes} x i1>)"
        )
        self.emit(f"call void @{name}({value}, {where}, i32 {size}, {mask})")

    def prefetch(self, where: Number) -> None:
        """Have the processor bring a line of memory that will be written near, without waiting."""
        self.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        # To be written; to the second cache (a first one has no room to spare); data.
        self.emit(f"call void @llvm.prefetch.p0({where}, i32 1, i32 2, i32 1)")

    def load_lanes(
        self, base: Number, offsets: Number, llvm_type: str, mask: Number | None
    ) -> Number:
        """Return, for each lane, what stands `offsets` (a vector of i64) entries behind `base`."""
        stored = "i8" if llvm_type == "i1" else llvm_type
        lanes, size = offsets.lanes, BYTES[stored]
        addresses = self.result(f"getelementptr inbounds {stored}, {base}, {offsets}", "ptr", lanes)
        wide = vector_type(stored, lanes)
        name = f"llvm.masked.gather.{type_letters(stored, lanes)}.v{lanes}p0"
        self.declarations.add(
            f"declare {wide} @{name}(<{lanes} x ptr>, i32 immarg, <{lanes} x i1>, {wide})"
        )
        lane_mask = mask if mask is not None else self.constant(True, "i1", lanes)
        loaded = self.result(
            f"call {wide} @{name}({addresses}, i32 {size}, {lane_mask}, {wide} zeroinitializer)",
            stored,
            lanes,
        )
        return self.convert(loaded, "i1") if llvm_type == "i1" else loaded

    def store_lanes(
        self, value: Number, base: Number, offsets: Number, mask: Number | None
    ) -> None:
        """Write each lane `offsets` (a vector of i64) entries behind `base`."""
        if value.llvm_type == "i1":
            value = self.convert(value, "i8")
        lanes, size = offsets.lanes, BYTES[value.llvm_type]
        addresses = self.result(
            f"getelementptr inbounds {value.llvm_type}, {base}, {offsets}", "ptr", lanes
        )
        name = f"llvm.masked.scatter.{type_letters(value.llvm_type, lanes)}.v{lanes}p0"
        self.declarations.add(
            f"declare void @{name}({value.type}, <{lanes} x ptr>, i32 immarg, <{lanes} x i1>)"
        )
        lane_mask = mask if mask is not None else self.constant(True, "i1", lanes)
        self.emit(f"call void @{name}({value}, {addresses}, i32 {size}, {lane_mask})")

    # --- control ------------------------------------------------------------------------------

    @contextmanager
    def loop(
        self,
        start: Number | int,
        stop: Number | int,
        step: int = 1,
        loop_carried: Sequence[Number] = (),
        hint: str = "loop",
    ) -> Iterator[Loop]:
        """Write a loop over start, start + step, … before stop; no round when there is none.

        `loop_carried`: values that each round hands to the next.
        """
        first = self.index(start) if isinstance(start, int) else start
        last = self.index(stop) if isinstance(stop, int) else stop
        body, done = self.label(hint), self.label("done")
        before = self.block
        known = isinstance(start, int) and isinstance(stop, int)
        skipping = not (known and start < stop)  # type: ignore[operator]
        if skipping:
            some = self.compare("slt", first, last)
            self.emit(f"br {some}, label %{body}, label %{done}")
        else:
            self.emit(f"br label %{body}")
        self.start_block(body)
        phi_line = len(self.lines)
        loop = Loop(
            self.fresh("i64"), [self.fresh(value.llvm_type, value.lanes) for value in loop_carried]
        )
        self.lines += [""] * (1 + len(loop_carried))
        yield loop
        following = self.add(loop.index, self.index(step))
        again = self.compare("slt", following, last)
        end = self.block
        self.emit(f"br {again}, label %{body}, label %{done}")
        phis = zip(
            [loop.index, *loop.values], [first, *loop_carried], [following, *loop.next], strict=True
        )
        for at, (phi, first_value, after) in enumerate(phis, phi_line):
            self.lines[at] = (
                f"  {phi.text} = phi {phi.type} [ {first_value.text}, %{before} ], "
                f"[ {after.text}, %{end} ]"
            )
        self.start_block(done)
        for first_value, after in zip(loop_carried, loop.next, strict=True):
            if skipping:
                loop.results.append(
                    self.result(
                        f"phi {first_value.type} [ {first_value.text}, %{before} ], "
                        f"[ {after.text}, %{end} ]",
                        first_value.llvm_type,
                        first_value.lanes,
                    )
                )
            else:
                loop.results.append(after)

    @contextmanager
    def when(self, condition: Number, hint: str = "when") -> Iterator[None]:
        """Write what happens only if the scalar condition holds."""
        inside, done = self.label(hint), self.label("done")
        self.emit(f"br {condition}, label %{inside}, label %{done}")
        self.start_block(inside)
        yield
        self.emit(f"br label %{done}")
        self.start_block(done)
