"""The source of the functions that ops call beyond NumPy, gathered so that a file stands alone.

A definition may use modules, plain numbers and other functions of its own module; all of that comes
along. Knows Python source and the contract of ops, no op by name.
"""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from misstep.errors import GraphError
from misstep.ir import Op


@dataclass
class Definitions:
    """What emitted source defines before its program.

    `imports`: lines. `constants`: text of their numbers by name. `functions`: source by name, what
    is called before what calls it.
    """

    imports: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    def names(self) -> set[str]:
        """Return every name that these definitions take."""
        return {*self.modules, *self.constants, *self.functions}


def gather_definitions(ops: Iterable[Op]) -> Definitions:
    """Return what the `python` text of `ops` needs. Raises GraphError for what can't come along."""
    definitions = Definitions()
    for op in ops:
        for function in op.definitions():
            _add_function(function, definitions)
    return definitions


def _add_function(function: Callable[..., Any], definitions: Definitions) -> None:
    if not isinstance(function, FunctionType):
        raise _unfit(repr(function), "a function written in Python")
    name = function.__name__
    if name in definitions.functions:
        return
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except OSError as error:
        raise _unfit(name, "its source file to be there") from error
    (tree,) = ast.parse(source).body
    if not isinstance(tree, ast.FunctionDef) or function.__closure__:
        raise _unfit(name, "a plain function that closes over nothing")
    definitions.functions[name] = ""  # so that a function that calls itself comes to an end
    inside = _globals_used(function.__code__) | _names_of_defaults(tree.args)
    for used in sorted(inside):
        if used in function.__globals__:
            _add_global(used, function.__globals__[used], definitions)
    # Moved behind what it calls.
    del definitions.functions[name]
    definitions.functions[name] = _without_annotations(tree, source)


def _add_global(name: str, item: Any, definitions: Definitions) -> None:
    if isinstance(item, ModuleType):
        definitions.modules.add(name)
        whole = item.__name__
        definitions.imports.add(f"import {whole}" if whole == name else f"import {whole} as {name}")
    elif isinstance(item, bool | int | float):
        definitions.constants[name] = repr(item)
    elif isinstance(item, FunctionType) and item.__name__ == name:
        _add_function(item, definitions)
    else:
        raise _unfit(name, "a module, a number or a function")


def _globals_used(code: CodeType) -> set[str]:
    """Return the global names that a function's code reads, its inner functions included."""
    used = {str(step.argval) for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return used.union(*(_globals_used(constant) for constant in inner))


def _names_of_defaults(arguments: ast.arguments) -> set[str]:
    defaults = [
        *arguments.defaults,
        *(default for default in arguments.kw_defaults if default is not None),
    ]
    nodes = [node for default in defaults for node in ast.walk(default)]
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _without_annotations(tree: ast.FunctionDef, source: str) -> str:
    """Return the source with a plain head: annotations name things of the library."""
    arguments = tree.args
    for argument in [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]:
        if argument is not None:
            argument.annotation = None
    lines = source.splitlines()
    first = tree.body[0]
    docstring = lines[first.lineno - 1 : first.end_lineno]
    body = [*_without_examples(docstring), *lines[first.end_lineno or 0 :]]
    return "\n".join([f"def {tree.name}({ast.unparse(arguments)}):", *body])


def _without_examples(docstring: list[str]) -> list[str]:
    """Return the lines of a docstring without its examples, which import the library."""
    start = next((at for at, line in enumerate(docstring) if line.lstrip().startswith(">>>")), None)
    if start is None:
        return docstring
    words = "\n".join(docstring[:start]).rstrip().splitlines()
    return [f'{words[0]}"""'] if len(words) == 1 else [*words, docstring[-1]]


def _unfit(what: str, needed: str) -> GraphError:
    return GraphError(f"the definition {what} of an op", needed=f"{needed}, to be emitted")
