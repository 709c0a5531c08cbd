"""From LLVM's text to functions that run: reads, checks, generates code, loads, and remembers.

`compile_module` is the way in. What it returns holds the machine code; the functions taken from it
release Python's lock while they run. The same text is never compiled twice by one process, nor by
the next one where object code can be kept on disk (`object_cache.py`). No graph and no kernel is
known here, only text; which processor it is for, `targets.py` knows.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

from misstep import __version__
from misstep.compiler.codegen.target import Target
from misstep.compiler.runtime import object_cache
from misstep.compiler.runtime.llvm import LOCK, all_targets, llvm, llvm_version
from misstep.errors import ArgumentError, GraphError, NotYetError

__all__ = ["NativeModule", "assembly", "compile_module", "emit_object", "load_object"]

# What is done to the text before code is generated, by LLVM's names: what is asked for on the stack
# moves to registers, what nobody uses goes. Measured on a training step of 784-128-10 and of five
# layers of 256 (processor time): reading 5 and 29 ms, these three 1 and 2, generating code 74 and
# 440, which by itself moves what stays the same out of loops and steps addresses. Combining
# instructions and numbering values (instcombine, newgvn) cost 15 to 20 % more, LLVM's own order of
# passes doubles all, and no step got faster by more than the noise of 2 %. Nothing here may reorder
# or fuse sums; no pass that vectorizes is called.
PASSES = ("sroa", "dead_code_elimination", "global_dead_code_eliminate")
# LLVM's effort in generating code, 0 to 3: with 0, code is three to seven times slower; with 3, no
# faster.
EFFORT = 2
# Code may stand anywhere; code and constants are loaded side by side, within 2 GB.
PLACING = {"reloc": "pic", "codemodel": "small"}

# How many modules that nobody holds any more stay loaded.
MODULES_REMEMBERED = 256
# How many lines of the text an error shows on each side of the one it is about.
LINES_SHOWN = 2


class NativeModule:
    """Machine code in memory, for as long as this object or a function taken from it lives.

    `origin`: "compiled" or "disk". `seconds`: how long that took. `object_bytes`: its size.
    """

    def __init__(
        self, addresses: dict[str, int], holder: Any, origin: str, seconds: float, object_bytes: int
    ) -> None:
        self._addresses = addresses
        self._holder = holder
        self.origin = origin
        self.seconds = seconds
        self.object_bytes = object_bytes

    def address(self, name: str) -> int:
        """Return where a function begins; valid as long as this module lives.

        Raises GraphError for a name that the module does not have.
        """
        try:
            return self._addresses[name]
        except KeyError:
            raise GraphError(
                "a native function", needed=f"one of {sorted(self._addresses)}", got=repr(name)
            ) from None

    def function(self, name: str, restype: Any, *argtypes: Any) -> Any:
        """Return a function that Python can call, with ctypes' types of result and arguments.

        It keeps the module alive, and releases Python's lock while it runs.
        """
        function: Any = ctypes.CFUNCTYPE(restype, *argtypes)(self.address(name))
        function.keeps = self
        return function


_recent: OrderedDict[bytes, NativeModule] = OrderedDict()
_alive: WeakValueDictionary[bytes, NativeModule] = WeakValueDictionary()
_numbers = itertools.count()


def compile_module(text: str, target: Target) -> NativeModule:
    """Return the functions of LLVM's `text` as machine code for `target`, loaded.

    Raises GraphError for text that LLVM can't read, ArgumentError for a target that this machine
    can't run, and NotYetError where the system does not let a process run what it made itself.
    """
    started = time.perf_counter()
    with LOCK:
        key = _key(text, target)
        module = _alive.get(key)
        if module is None:
            module = _from_disk(key, text, target, started) or _compiled(key, text, target, started)
            _alive[key] = module
        _recent[key] = module
        _recent.move_to_end(key)
        while len(_recent) > MODULES_REMEMBERED:
            _recent.popitem(last=False)
    return module


def emit_object(text: str, target: Target) -> bytes:
    """Return the object file of LLVM's `text`, for any target. Raises GraphError for bad text."""
    return bytes(_generated(text, target, "emit_object"))


def assembly(text: str, target: Target) -> str:
    """Return the instructions of the processor, for people. Raises GraphError for bad text."""
    return str(_generated(text, target, "emit_assembly"))


def load_object(
    data: bytes, target: Target, names: Iterable[str], *, origin: str = "compiled"
) -> NativeModule:
    """Return an object file that `emit_object` made, loaded; `names`: the functions wanted of it.

    Never give bytes that others may have written: they are run. Raises ArgumentError for a target
    that this machine can't run, GraphError for a name that is not there, and NotYetError if the
    system refuses.
    """
    started = time.perf_counter()
    _refuse_foreign(target)
    with LOCK:
        builder = llvm().JITLibraryBuilder().add_object_img(data).add_current_process()
        for name in names:
            builder.export_symbol(name)
        try:
            holder = builder.link(_linker(), f"misstep {next(_numbers)}")
        except RuntimeError as error:
            raise _refused(error) from error
    addresses = {name: holder[name] for name in names}
    seconds = time.perf_counter() - started
    return NativeModule(addresses, holder, origin, seconds, len(data))


def _refused(error: RuntimeError) -> GraphError | NotYetError:
    message = str(error).strip()
    try:
        llvm().check_jit_execution()
    except OSError as reason:
        return NotYetError(
            "native code in this process",
            needed="memory whose contents may be executed",
            got=str(reason),
            try_="the interpreter",
        )
    return GraphError("an object file", needed="functions that are all there", got=message)


def _from_disk(key: bytes, text: str, target: Target, started: float) -> NativeModule | None:
    data = object_cache.read(key)
    if data is None:
        return None
    try:
        module = load_object(data, target, defined_names(text), origin="disk")
    except (GraphError, NotYetError):
        return None
    module.seconds = time.perf_counter() - started
    return module


def _compiled(key: bytes, text: str, target: Target, started: float) -> NativeModule:
    _refuse_foreign(target)
    data = emit_object(text, target)
    module = load_object(data, target, defined_names(text))
    object_cache.write(key, data)
    module.seconds = time.perf_counter() - started
    return module


def defined_names(text: str) -> tuple[str, ...]:
    """Return the names of the functions that LLVM's `text` defines for others to call."""
    heads = (part[: part.find("(")] for part in f"\n{text}".split("\ndefine ")[1:])
    shared = (head for head in heads if not {"internal", "private"} & set(head.split()))
    return tuple(head.rpartition("@")[2] for head in shared)


def _key(text: str, target: Target) -> bytes:
    recipe = f"{PASSES} {EFFORT} {sorted(PLACING.items())}"
    names = (target.triple, target.cpu, target.features)
    return object_cache.object_key(text, *names, __version__, llvm_version(), recipe)


def _refuse_foreign(target: Target) -> None:
    here = llvm().get_process_triple().partition("-")[0]
    if target.machine != {"arm64": "aarch64", "amd64": "x86_64"}.get(here, here):
        raise ArgumentError(
            "the target of native code",
            needed=f"this machine's, {here}",
            got=target.triple,
            try_="emit_object or assembly, which only generate",
        )


@cache
def _linker() -> Any:
    """Return what links object code into this process. It is never closed.

    LLVM's newer linker puts the parts of one object side by side in memory (the small code model
    needs that) and hands errors back.
    """
    return llvm().create_lljit_compiler(use_jit_link=True, suppress_errors=True)


def _generated(text: str, target: Target, how: str) -> Any:
    with LOCK:
        binding = llvm() if how == "emit_object" and _is_native(target) else all_targets()
        context = binding.create_context()
        try:
            module = binding.parse_assembly(text, context)
        except RuntimeError as error:
            raise _unreadable(text, error) from error
        with module:
            machine = binding.Target.from_triple(target.triple).create_target_machine(
                cpu=target.cpu, features=target.features, opt=EFFORT, **PLACING
            )
            with machine:
                module.triple = target.triple
                module.data_layout = str(machine.target_data)
                try:
                    module.verify()
                    _improve(binding, module, machine)
                    return getattr(machine, how)(module)
                except RuntimeError as error:
                    raise _unreadable(text, error) from error


def _is_native(target: Target) -> bool:
    return bool(llvm().get_process_triple().startswith(target.machine))


def _improve(binding: Any, module: Any, machine: Any) -> None:
    tuning = binding.create_pipeline_tuning_options(speed_level=0)
    with (
        binding.create_pass_builder(machine, tuning) as builder,
        binding.create_new_module_pass_manager() as passes,
    ):
        for name in PASSES:
            getattr(passes, f"add_{name}_pass")()
        passes.run(module, builder)


def _unreadable(text: str, error: RuntimeError) -> GraphError:
    """Return LLVM's complaint with the lines of the text around the place it names."""
    message = str(error).replace("LLVM IR parsing error", "").replace("<string>:", "line ").strip()
    match = re.search(r"line (\d+):", message)
    around = ""
    if match:
        at = int(match[1])
        first = max(at - LINES_SHOWN, 1)
        shown = text.splitlines()[first - 1 : at + LINES_SHOWN]
        around = "\n" + "\n".join(
            f"{number:6} | {line}" for number, line in enumerate(shown, first)
        )
    return GraphError(
        "the LLVM text of a program", needed="text that LLVM reads", got=message + around
    )
