"""`RowChoice`: the row that is looked at, of those to learn from or of those held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from misstep.data import Rows
from misstep.errors import ArgumentError
from misstep.playground.problems.problem import Problem

__all__ = ["RowChoice"]


@dataclass(frozen=True)
class RowChoice:
    """A row. `number`: from 0; `held_out`: whether it is one that is not learned from."""

    number: int = 0
    held_out: bool = True

    def rows(self, problem: Problem) -> Rows:
        """Return the rows that it is one of."""
        return problem.held_out if self.held_out else problem.train

    def checked(self, problem: Problem) -> RowChoice:
        """Return it. Raises ArgumentError where there is no such row."""
        count = len(self.rows(problem))
        whole = isinstance(self.number, int) and not isinstance(self.number, bool)
        if not whole or not 0 <= self.number < count:
            raise ArgumentError(
                "the row to look at",
                needed=f"a whole number from 0 to {count - 1}",
                got=repr(self.number),
            )
        return self

    def plain(self, problem: Problem) -> dict[str, Any]:
        """Return which it is, as plain JSON."""
        name = problem.row_name(self.number, held_out=self.held_out)
        return {"number": self.number, "held_out": self.held_out, "name": name}
