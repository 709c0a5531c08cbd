"""What a pass is: a function from graph to graph that keeps every number, registered when declared.

`Pass` is the contract; `Rules` is a pass made of small rules, each for some classes of op. A graph
never holds what no output needs (`Graph` and `Draft` leave it out), so a pass only says what takes
a value's place and never deletes anything. Knows no pass by name. Read `rewriting.py` next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from misstep.compiler.passes.rewriting import Rewriting, Rule
from misstep.errors import GraphError
from misstep.ir import Graph, Op, Value, registered_ops

Example = Callable[[], Graph]

_registry: dict[str, Pass] = {}


class Pass:
    """One way of writing the same program with less work; calling it returns the better graph.

    `name`, `words` (what it does, for people), `exact` (whether every output keeps its bits when
    the interpreter runs it; a pass that does not says in its file by how much). Inputs stay inputs
    even where nothing needs them any more. Making one registers it; the tests try each on its own
    examples, and on real programs.
    """

    def __init__(self, name: str, words: str, *, exact: bool = True) -> None:
        if not name or not words:
            raise GraphError("a pass", needed="a name and words")
        if name in _registry:
            raise GraphError(f"the pass {name}", needed="a name of its own", got="a taken one")
        self.name, self.words, self.exact = name, words, exact
        self._examples: list[Example] = []
        _registry[name] = self

    def __call__(self, graph: Graph) -> Graph:
        """Return the better graph; `graph` itself when there is nothing to do."""
        raise NotImplementedError

    def example(self, make: Example) -> Example:
        """Take `make`, which returns a graph that this pass changes, as one of its examples."""
        self._examples.append(make)
        return make

    def examples(self) -> Iterator[Graph]:
        """Yield graphs that this pass changes."""
        for make in self._examples:
            yield make()

    def __repr__(self) -> str:
        return f"<pass {self.name}: {self.words}>"


class Rules(Pass):
    """A pass of rules that look at one value and those it is computed from.

    A rule gets a value and returns what stands for it, or None. Values are looked at in order of
    computation, so that a rule sees inputs that are simplified already.
    """

    def __init__(self, name: str, words: str, *, exact: bool = True) -> None:
        super().__init__(name, words, exact=exact)
        self._rules: list[tuple[Callable[[type[Op]], bool], Rule]] = []
        self._table: dict[type[Op], tuple[Rule, ...]] = {}

    def on(self, *classes: type[Op]) -> Callable[[Rule], Rule]:
        """Take the function below as a rule for these classes of op and their subclasses."""
        return self._take(lambda cls: issubclass(cls, classes))

    def on_elementwise(self, rule: Rule) -> Rule:
        """Take the function below as a rule for all ops that work entry by entry."""
        return self._take(lambda cls: cls.elementwise)(rule)

    def _take(self, fits: Callable[[type[Op]], bool]) -> Callable[[Rule], Rule]:
        def take(rule: Rule) -> Rule:
            self._rules.append((fits, rule))
            self._table.clear()
            return rule

        return take

    def rules(self) -> list[Rule]:
        """Return the rules, in order of declaration."""
        return [rule for _, rule in self._rules]

    def rules_for(self, cls: type[Op]) -> tuple[Rule, ...]:
        """Return the rules for one class of op, in order of declaration."""
        return tuple(rule for fits, rule in self._rules if fits(cls))

    def leaf(self, here: Rewriting, value: Value) -> Value:
        """Return what stands for an input or a literal: itself, unless a pass says otherwise."""
        return value

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with every rule applied wherever it fits."""
        if not self._table:
            self._table = {cls: self.rules_for(cls) for cls in registered_ops().values()}
        return Rewriting(graph, self._table, self.leaf).run()


def registered_passes() -> dict[str, Pass]:
    """Return every pass by name, sorted."""
    return dict(sorted(_registry.items()))
