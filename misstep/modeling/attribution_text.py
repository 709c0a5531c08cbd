"""Contributions in words: sentences that say just how each number is to be checked, tables, maps.

Makes sections that a face lays out, or that `str` of an attribution shows. Measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from misstep.modeling.training_rows import Seen
from misstep.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from misstep.text.counts import counted, plural
from misstep.text.figures import amount, figure, percent
from misstep.text.lists import joined, shortened
from misstep.text.tables import in_columns, wrapped

if TYPE_CHECKING:
    from misstep.modeling.attribution import Contribution, Contributions
    from misstep.modeling.forecast_attribution import ForecastAttribution
    from misstep.modeling.neurons import Neuron

__all__ = [
    "Section",
    "attribution_text",
    "cell_words",
    "contribution_sections",
    "error_words",
    "neuron_section",
    "seen_words",
    "share_words",
    "shown_prediction",
    "steps_section",
]

LONGEST_NAME, LONGEST_CELL = 34, 19
# Parts that a text of its own lists.
LISTED = 10
# A region that does so large a share of what the largest does gets one, two, three marks.
LEVELS = (0.1, 0.3, 0.6)
# Lines of a map; more channels than this are listed only.
MOST_LINES = 24
# Columns of a table that hold words.
WORDY = ("largest contributions",)
# Contributions named for each step ahead.
STRONGEST = 2
# A share of this part of the largest contribution is too small for its sign to be told, and so is
# one of fewer standard errors.
TELLING, SURE = 0.05, 3


@dataclass(frozen=True)
class Section:
    """What is said below a title: notes, a table whose columns `right` are numbers, and the end.

    `map`: lines that are laid out already.
    """

    title: str
    notes: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    map: str = ""
    end: list[str] = field(default_factory=list)

    @property
    def right(self) -> list[int]:
        """Return which columns are numbers, or as short: all but the first and long ones."""
        return [at for at in range(1, len(self.heads)) if self.heads[at] not in WORDY]


def contribution_sections(found: Contributions, top: int) -> list[Section]:
    """Return what moved a prediction, in words: its parts, their map, the words of its texts."""
    share_of = found.probability_of
    noun = found.noun
    title = f"What moved {found.subject}: {plural(2, noun)}"
    if share_of is not None:
        title = f"What speaks for {share_of}, what against it: {plural(2, noun)}"
    if not found.inputs:
        return [Section(title, [f"There is no {noun} that could be replaced."])]
    baseline = shown_prediction(found, found.baseline_prediction)
    bare = all(each.replacement is None for each in found.inputs)
    how = "taken out" if bare else "as in the baseline"
    notes = [
        f"baseline: {found.replacements}; its {_prediction(found)} is {baseline}",
        f"replaced: the {_prediction(found)} with this {noun} alone {how}",
        f"contribution: {_measure(found)} less what it is then",
        f"share: what the {noun} changes as the {plural(2, noun)} of the {found.row_noun} come "
        f"into the baseline one after the other, the mean over {_orders(found)} (Shapley value)",
    ]
    heads, rows = _table(found, found.inputs[:top], noun)
    end = _rest(found.inputs[top:], noun)
    end += _sums(found)
    sections = [Section(title, notes, heads, rows, "", end)]
    marks = _map(found)
    if marks:
        sections.append(
            Section(
                f"The same as a map: contributions of {plural(2, noun)}",
                [
                    f"+++ for at least {LEVELS[2]:.0%} of the largest contribution, ++ for "
                    f"{LEVELS[1]:.0%}, + for {LEVELS[0]:.0%}; − where it is below 0"
                ],
                map=marks,
            )
        )
    for column, words in found.words.items():
        if words:
            sections.append(_words_section(found, column, words, top))
    return sections


def steps_section(steps: Sequence[ForecastAttribution], top: int) -> Section:
    """Return the forecast of each step ahead with what moved it most, in words."""
    rows = []
    for each in steps[:top]:
        most = [
            f"{one.name} {amount(one.contribution)}"
            for one in each.inputs[:STRONGEST]
            if one.contribution
        ]
        baseline = amount(each.baseline_prediction)
        rows.append([str(each.step), amount(each.shown), baseline, "; ".join(most)])
    left = len(steps) - len(rows)
    return Section(
        "Each step ahead",
        ["the forecast, that of the baseline, and the largest contributions; --step says more"],
        ["step", "forecast", "baseline", "largest contributions"],
        rows,
        end=[f"… and {counted(left, 'more step')}"] if left else [],
    )


def neuron_section(neurons: Sequence[Neuron], more: int, unit: str, top: int) -> Section:
    """Return which hidden neurons carried the prediction, in words."""
    rows = [[each.name, figure(each.value), amount(each.contribution)] for each in neurons[:top]]
    left = len(neurons) - len(rows) + more
    return Section(
        "The same for the hidden neurons, after their activation",
        [
            f"contribution: {unit} less what it is with the value of this neuron alone at 0; "
            "neurons are counted from 0"
        ],
        ["neuron", "value", "contribution"],
        rows,
        end=[f"… and {counted(left, 'more neuron')}"] if left else [],
    )


def attribution_text(found: Contributions) -> str:
    """Return a prediction and what moved it, as lines."""
    lines = [f"{found.heading}: {shown_prediction(found, found.shown)}"]
    lines += [wrapped(words, 2) for words in [*found.notes, found.seen_words]]
    for section in contribution_sections(found, LISTED):
        lines += ["", section.title]
        lines += [wrapped(note, 2) for note in section.notes]
        if section.rows:
            lines.append(in_columns(section.rows, section.heads, section.right))
        if section.map:
            lines.append("\n".join(f"  {line}" for line in section.map.split("\n")))
        lines += [wrapped(words, 2) for words in section.end]
    return "\n".join(lines)


def window_seen_words(seen: Seen, answered: bool) -> str:
    """Return what training did with a window of a series; `answered`: with what came after it.

    >>> window_seen_words(Seen.TRAINING, True)
    'Learned from: it was trained on the rows that it looks back on and on what came after them.'
    """
    if seen is Seen.TRAINING and answered:
        return (
            "Learned from: it was trained on the rows that it looks back on and on what came after "
            "them."
        )
    return {
        Seen.TRAINING: "It was trained on the rows that it looks back on; what comes after them it "
        "did not see, or not all of it.",
        Seen.NEVER: "New: it was not trained on the newest rows that it looks back on.",
        Seen.UNKNOWN: "Whether it was trained on these rows can't be known: the series does not "
        "begin as the one that was learned from.",
    }[seen]


def seen_words(seen: Seen, noun: str) -> str:
    """Return what training did with a row, in words.

    >>> seen_words(Seen.NEVER, "image")
    'New: no image that it was trained, validated or tested on has these inputs.'
    """
    one = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return {
        Seen.TRAINING: f"Learned from: it was trained on {one} with these inputs.",
        Seen.VALIDATION: f"Validated on: {one} with these inputs decided when training stopped, "
        "none was learned from.",
        Seen.TEST: f"Tested on: {one} with these inputs was set apart for the test, none was "
        "learned from.",
        Seen.NEVER: f"New: no {noun} that it was trained, validated or tested on has these inputs.",
        Seen.UNKNOWN: f"Whether it was trained on this {noun} can't be known: the model keeps "
        "nothing to tell it by.",
    }[seen]


def cell_words(value: Any) -> str:
    """Return what stood in a cell, in few letters.

    >>> cell_words(float("nan")), cell_words(0.1 + 0.2), cell_words("red"), cell_words(-2e6)
    ('missing', '0.3', 'red', '−2000000')
    """
    if value is None or value != value:
        return "missing"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        text = str(int(value)) if whole else f"{value:.6g}"
        return f"−{text[1:]}" if text.startswith("-") else text
    return str(value)


def error_words(loss: Loss, logarithm: bool = False) -> str:
    """Return what the loss of a row is; `logarithm`: whether answers are learned on it."""
    unit = f"in deviations of the {'logarithms of the ' if logarithm else ''}training answers"
    if isinstance(loss, SquaredError):
        half = "half " if loss.half else ""
        return f"{half}the square of how far it is off, {unit}"
    if not isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        name = type(loss).__name__
        return f"the {name} of how far it is off, {unit}"
    words = "the negative logarithm of the probability given to the answer"
    if loss.smoothing:
        share = loss.smoothing
        words = (
            f"{figure(1 - share)} × {words}, and {figure(share)} × the mean of that of all classes "
            "(smoothing)"
        )
    return words


def shown_prediction(found: Contributions, number: float) -> str:
    """Return a prediction as a reader sees it: a number, or the probability of the class."""
    if found.probability_of is None:
        return amount(number)
    return share_words(number)


def share_words(share: float) -> str:
    """Return a probability as people write it; none is told as if it were sure.

    >>> share_words(0.713), share_words(0.99999)
    ('71.3%', 'over 99.9%')
    """
    if 0.0005 <= share < 0.9995:
        return percent(share)
    return "under 0.1%" if share < 0.5 else "over 99.9%"


def _prediction(found: Contributions) -> str:
    if found.probability_of is None:
        return "prediction"
    return f"probability of {found.probability_of}"


def _measure(found: Contributions) -> str:
    if found.probability_of is None:
        return f"the prediction of {found.subject}"
    return f"the log-odds ln(p / (1 − p)) of the probability p of {found.probability_of}"


def _orders(found: Contributions) -> str:
    if not found.orders:
        return "all orders"
    return f"{found.orders:,} orders drawn at random"


def _table(
    found: Contributions, inputs: Sequence[Contribution], noun: str
) -> tuple[list[str], list[list[str]]]:
    told = any(each.replacement is not None for each in inputs)
    heads = [
        noun,
        f"in the {found.row_noun}",
        *["baseline"] * bool(told),
        "replaced",
        "contribution",
        "share",
    ]
    rows = []
    for each in inputs:
        row = [shortened(each.name, LONGEST_NAME), shortened(cell_words(each.cell), LONGEST_CELL)]
        if told:
            other = "no text" if each.replacement is None else cell_words(each.replacement)
            row.append(shortened(other, LONGEST_CELL))
        row += [shown_prediction(found, each.replaced), amount(each.contribution)]
        rows.append([*row, amount(each.share)])
    return heads, rows


def _rest(rest: Sequence[Contribution], noun: str) -> list[str]:
    if not rest:
        return []
    alone, together = sum(each.contribution for each in rest), sum(each.share for each in rest)
    more = counted(len(rest), f"more {noun}")
    return [f"… and {more}: contributions {amount(alone)}, shares {amount(together)} in all"]


def _sums(found: Contributions) -> list[str]:
    noun = found.noun
    shares = sum(each.share for each in found.inputs)
    alone = sum(each.contribution for each in found.inputs)
    whole = found.score - found.baseline_score
    number = found.probability_of is None
    kind = "prediction " if number else "log-odds "
    error = percent(found.completeness_error) if whole else figure(found.completeness_error)
    lines = [
        f"Shares add up to {amount(shares)}: the {kind}{amount(found.score)} less "
        f"{'that' if number else 'those'} of the baseline, {amount(found.baseline_score)}; "
        f"completeness error {error}."
    ]
    largest = max(abs(each.contribution) for each in found.inputs)
    if len(found.inputs) > 1 and abs(found.interaction) > TELLING * max(largest, abs(whole)):
        lines[0] += (
            f" Contributions add up to {amount(alone)}; the rest, {amount(found.interaction)}, is "
            f"what {plural(2, noun)} do together."
        )
    errors = [each.share_error for each in found.inputs if each.share_error is not None]
    if found.orders:
        error = f" of at most {amount(max(errors))}" if errors else ", which 2 orders don't tell"
        lines.append(f"By the orders drawn, shares have a standard error{error}.")
    against = [
        each.name
        for each in found.inputs
        if each.contribution * each.share < 0
        and min(abs(each.contribution), abs(each.share)) > TELLING * largest
        and abs(each.share) > SURE * (each.share_error or 0)
    ]
    if against:
        named = joined([*against[:3], *[f"{len(against) - 3} more"] * (len(against) > 3)])
        lines.append(
            f"Of {named}, contribution and share have opposite signs: which way "
            f"{'it moves' if len(against) == 1 else 'they move'} the prediction depends on the "
            f"other {plural(2, noun)}."
        )
    return lines


def _words_section(
    found: Contributions, column: str, words: Sequence[Contribution], top: int
) -> Section:
    heads, rows = _table(found, words[:top], "word")
    whole = found.contributions[column]
    return Section(
        f"The words of {column}",
        [
            "the same for each word, taken out of the text wherever it stands; all other columns "
            f"as in the row. Shares add up to the contribution of {column}, {amount(whole)}"
        ],
        heads,
        rows,
        end=_rest(words[top:], "word"),
    )


def _map(found: Contributions) -> str:
    placed = {each.place: each.contribution for each in found.inputs if each.place is not None}
    lines = len(found.lines)
    if not placed or lines * len(found.columns) < 4 or lines > MOST_LINES:
        return ""
    largest = max(map(abs, placed.values())) or 1.0
    title = max(map(len, found.lines))
    wide = max(len(LEVELS), *map(len, found.columns))
    text = [" " * title + "".join(f"  {name:>{wide}}" for name in found.columns)]
    for line, name in enumerate(found.lines):
        marks = (_marks(placed[line, at] / largest) for at in range(len(found.columns)))
        text.append(f"{name:>{title}}" + "".join(f"  {each:>{wide}}" for each in marks))
    return "\n".join(text)


def _marks(size: float) -> str:
    count = sum(abs(size) >= level for level in LEVELS)
    return ("+" if size > 0 else "−") * count or "·"
