"""Small pictures of data: columns, classes, rows, images, texts, sequences, series.

A function for each kind of data, and `data_pictures`, which knows which is which. Knows data, no
network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import Dataset, Images, Sequences, Series, Table
from misstep.drawing import Drawing
from misstep.drawing.charts import Bar, Line, bar_chart, histogram, line_chart
from misstep.ir import Array
from misstep.report.markup import Markup, figure, joined, paragraph, table, tag
from misstep.report.pictures import image_of_row, picture, png_of
from misstep.text.counts import counted
from misstep.text.figures import amount, true_minus
from misstep.text.lists import shortened
from misstep.text.plain import printable

if TYPE_CHECKING:
    import pandas

__all__ = ["class_bars", "data_pictures", "row_picture", "series_pictures"]

# Columns that are drawn, rows that are shown, and columns of those; a table may have thousands.
MOST_COLUMNS, MOST_ROWS, MOST_CELLS = 24, 5, 12
# Bars of a histogram, and of words.
BINS, MOST_BARS = 20, 8
# Different numbers of a column that are drawn one by one.
FEW_VALUES = 12
# Words of a cell or a text are cut off behind so many letters.
CELL, TEXT = 40, 160
# Of images: the longest side of a small one in pixels, and how large it is shown, how many there
# are of a class, and classes.
SIDE, SHOWN, OF_CLASS, MOST_CLASSES = 48, 56, 6, 10
# Sequences that are drawn, and their channels.
MOST_SEQUENCES, MOST_CHANNELS = 6, 8


def data_pictures(data: Dataset, target: str) -> Markup | None:
    """Return small pictures of rows that were learned from; None for an unknown kind."""
    if isinstance(data, Images):
        return _images(data)
    if isinstance(data, Sequences):
        return _sequences(data)
    if isinstance(data, Table):
        return _table(data, target)
    return None


def class_bars(names: Sequence[str], counts: Sequence[int], what: str) -> Drawing:
    """Return how many rows there are of each class, the most frequent of very many."""
    order = np.argsort(-np.asarray(counts), kind="stable")
    kept = (
        sorted(order[: 2 * MOST_BARS].tolist()) if len(names) > 2 * MOST_BARS else range(len(names))
    )
    bars = [
        Bar(str(names[at]), float(counts[at]), f"{counts[at]:,}", classes=("series-1",))
        for at in kept
    ]
    left = len(names) - len(bars)
    more = f", and {counted(left, 'more class', 'more classes')}" if left else ""
    told = ", ".join(f"{bar.name}: {bar.words}" for bar in bars[:MOST_BARS])
    return bar_chart(
        bars,
        title=f"{what} by class",
        description=f"{told}{more}",
        across=f"{what} learned from{more}",
    )


def series_pictures(series: Series) -> Markup:
    """Return the target of a series as a line, and its inputs as small ones."""
    first = _series_line(series, 0, width=720, height=260)
    others = [
        _series_line(series, at, width=340, height=150) for at in range(1, series.values.shape[1])
    ]
    more = len(others) - MOST_CHANNELS
    return joined(
        [
            figure(first),
            tag("div", *map(figure, others[:MOST_CHANNELS]), class_="figures") if others else None,
            paragraph(f"And {counted(more, 'more input')}.", quiet=True) if more > 0 else None,
        ]
    )


def _series_line(series: Series, column: int, *, width: float, height: float) -> Drawing:
    values = series.values[:, column]
    name = series.plan.columns[column]
    dates = series.local
    span = ""
    if dates is not None:
        # Days need no midnights.
        days = bool((dates == dates.astype("datetime64[D]")).all())
        letters = 10 if days else 16
        first, last = (str(dates[at])[:letters].replace("T", " ") for at in (0, -1))
        span = f", {first} to {last}"
    return line_chart(
        [Line(name, np.arange(1, len(values) + 1), values)],
        title=name,
        description=f"{counted(len(values), 'row')}{span}, {_range(values)}",
        across=f"row{span}",
        up=name,
        whole=True,
        width=width,
        height=height,
    )


# Tables


def _table(data: Table, target: str) -> Markup:
    frame = data.frame
    columns = [name for name in frame.columns if name != target]
    shown = ([target] if target in frame.columns else []) + columns
    pictures = [_column(frame[name], str(name), data) for name in shown[:MOST_COLUMNS]]
    left = len(shown) - MOST_COLUMNS
    return joined(
        [
            tag("div", *pictures, class_="small-figures"),
            paragraph(f"And {counted(left, 'more column')}.", quiet=True) if left > 0 else None,
            tag("h3", f"The first {data.sample_name}s"),
            _rows(frame, shown),
        ]
    )


def _column(column: pandas.Series, name: str, data: Table) -> Markup:
    """Return a small picture of a column, with its name and what is missing."""
    import pandas

    missing = int(column.isna().sum())
    gaps = f", {missing:,} missing" if missing else ""
    present = column.dropna()
    if not len(present):
        return _captioned(None, name, "empty")
    if pandas.api.types.is_datetime64_any_dtype(present):
        seconds = present.to_numpy("datetime64[s]").astype("float64")
        first, last = str(present.min())[:10], str(present.max())[:10]
        words = f"{first} to {last}{gaps}"
        return _captioned(_bins(seconds, name, words, marks=[(seconds.min(), first)]), name, words)
    numbers = pandas.to_numeric(present, errors="coerce") if name not in data.texts else None
    is_boolean = pandas.api.types.is_bool_dtype(present)
    if numbers is not None and not is_boolean and numbers.notna().all():
        values = numbers.to_numpy("float64")
        values = values[np.isfinite(values)]
        if len(np.unique(values)) > FEW_VALUES:
            words = f"{_range(values)}{gaps}"
            return _captioned(_bins(values, name, words), name, words)
    words_of = present.astype(str)
    counts = Counter(printable(one) for one in words_of.tolist())
    if len(counts) > len(present) / 2 and len(counts) > FEW_VALUES:
        lengths = np.array([len(one.split()) for one in words_of], "float64")
        if lengths.max() > 1:
            words = f"texts of {int(lengths.min()):,} to {int(lengths.max()):,} words{gaps}"
            return _captioned(_bins(lengths, f"words of {name}", words), name, words)
        return _captioned(None, name, f"{len(counts):,} different values{gaps}")
    return _captioned(_bars(counts, name), name, f"{counted(len(counts), 'value')}{gaps}")


def _bins(
    values: Array, name: str, words: str, marks: Sequence[tuple[float, str]] | None = None
) -> Drawing:
    """Return a histogram of numbers; what lies far out goes into the outermost bars."""
    low, high = np.quantile(values, [0.005, 0.995])
    if not high > low:
        low, high = values.min(), values.max()
    with np.errstate(over="ignore"):
        wide = np.isfinite(high - low) and high > low
    if not wide:
        low, high = low - abs(low) * 1e-6 - 0.5, low + abs(low) * 1e-6 + 0.5
    counts, edges = np.histogram(np.clip(values, low, high), BINS, (low, high))
    return histogram(counts, edges, title=name, description=words, marks=marks)


def _bars(counts: Counter[str], name: str) -> Drawing:
    """Return how often each word occurs: numbers in their order, words by how often they do."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most = MOST_BARS
    if len(counts) <= FEW_VALUES and all(_is_number(word) for word in counts):
        ordered, most = sorted(counts.items(), key=lambda item: float(item[0])), FEW_VALUES
    shown = ordered[:most]
    heights = [count for _, count in shown]
    marks = [
        (at + 0.5, shortened(word, max(3, 30 // len(shown)))) for at, (word, _) in enumerate(shown)
    ]
    told = ", ".join(f"{shortened(word, CELL)}: {count:,}" for word, count in shown)
    left = len(ordered) - len(shown)
    more = f", and {left:,} more" if left else ""
    return histogram(
        heights, np.arange(len(shown) + 1.0), title=name, description=f"{told}{more}", marks=marks
    )


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def _range(values: Array) -> str:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "no finite number"
    return f"{amount(float(finite.min()))} to {amount(float(finite.max()))}"


def _captioned(drawing: Drawing | None, name: str, words: str) -> Markup:
    shown = shortened(name, CELL)
    caption = joined([tag("strong", shown), tag("br"), words])
    if drawing is None:
        return tag("figure", tag("figcaption", caption))
    return figure(drawing, caption)


def _rows(frame: pandas.DataFrame, names: Sequence[Any]) -> Markup:
    first = frame.iloc[:MOST_ROWS]
    shown = list(names[:MOST_CELLS])
    most = TEXT if len(shown) <= 3 else CELL
    rows = [[_cell(first[name].iloc[row], most) for name in shown] for row in range(len(first))]
    heads = [shortened(str(name), CELL) for name in shown]
    return table(heads, rows, caption="The first rows")


def _cell(value: Any, most: int) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return true_minus(f"{value:.7g}")
    return shortened(" ".join(str(value).split()), most)


# Images


def _images(data: Images) -> Markup:
    labels = [str(one) for one in data.train_labels.tolist()]
    classes = sorted(dict.fromkeys(labels))
    rows = []
    for name in classes[:MOST_CLASSES]:
        places = [at for at, label in enumerate(labels) if label == name][:OF_CLASS]
        pictures = [row_picture(data, at, name) for at in places]
        rows.append(joined([tag("dt", shortened(name, CELL)), tag("dd", *pictures)]))
    left = len(classes) - MOST_CLASSES
    return joined(
        [
            tag("dl", *rows, class_="facts pictures"),
            paragraph(f"And {counted(left, 'more class', 'more classes')}.", quiet=True)
            if left > 0
            else None,
        ]
    )


def row_picture(data: Dataset, row: int, words: str) -> Markup | None:
    """Return a small picture of a row, None where it is no image; `words`: what it shows."""
    image = image_of_row(data, row)
    return None if image is None else picture(png_of(image, SIDE), words, SHOWN, "picture small")


# Sequences


def _sequences(data: Sequences) -> Markup:
    labels = [""] * len(data) if data.labels is None else [str(one) for one in data.labels.tolist()]
    firsts = list(dict.fromkeys(labels))
    places = [labels.index(name) for name in sorted(firsts)][:MOST_SEQUENCES]
    return tag("div", *(figure(sequence_drawing(data, at)) for at in places), class_="figures")


def sequence_drawing(data: Sequences, place: int) -> Drawing:
    """Return one sequence: a line for each of its first channels."""
    steps = int(data.lengths[place])
    values = data.values[place, :steps]
    label = "" if data.labels is None else shortened(str(data.labels[place]), CELL)
    shown = min(data.channels, MOST_CHANNELS)
    more = data.channels - shown
    rest = f", {counted(more, 'more channel')} not drawn" if more else ""
    return line_chart(
        [
            Line(shortened(str(data.names[at]), CELL), np.arange(1, steps + 1), values[:, at])
            for at in range(shown)
        ],
        title=label or f"sequence {place + 1}",
        description=f"{counted(steps, 'step')} of {counted(data.channels, 'channel')}{rest}",
        across="step",
        up=label,
        whole=True,
        width=340,
        height=190,
    )
