"""Summaries of what goes into a network and of what it is to learn, from arrays.

Quick beside training: places and spreads come from a sample of rows, ranges from all of them.
Knows arrays; whether they come from a table or from images, and what learns from them, it does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from misstep.record.description import AnswerSummary, FeatureSummary, InputSummary, Task
from misstep.storage import MappedRows, pieces_of, spaced_rows

Array = npt.NDArray[Any]

# Entries from which means, deviations and medians come: rows evenly spaced among all of them, at
# least so many. A deviation from 500 rows is right to 3 %, √(1 / 1000).
MOST_SAMPLED = 50_000
LEAST_SAMPLED_ROWS = 500
# Columns that are described one by one; of more, the most remarkable.
MOST_FEATURES = 32
# The spread of normal numbers is their median distance from the median times this.
NORMAL = 1.4826
# Farther from the median than so many spreads is an outlier: of normal numbers one in 10²³ is.
OUTLIER_SPREADS = 10.0
MOST_OUTLIER_ROWS = 10
# Different numbers among answers that are worth naming; beyond, nobody means classes.
MOST_LEVELS = 20
# Rows that agree in so many entries, evenly spaced, are compared as a whole; others differ.
FIRST_COMPARED = 16
# Entries beyond which rows are not compared as a whole: it would take seconds.
MOST_COMPARED = 20_000_000
# Entries whose numbers are made at once: what stands in between, 8 bytes each, stays in a cache and
# below the 128 KiB for which C libraries take new pages from the system each time. All rows at
# once took four times as long, and ten times their memory.
ENTRIES_AT_ONCE = 16_000
# Answers that are looked at together: what stands in between takes some 40 bytes each.
ANSWERS_AT_ONCE = 1_000_000
# Odd numbers that entries are multiplied by for a row's number; any fixed ones do.
HASH_SEED = 20_261_130


def summarize_inputs(x: Array, *, positions: bool = False) -> InputSummary:
    """Return the summary of rows `x` (rows, …), as a network gets them.

    `positions`: whether entries are looked up, so that only their range means something. Entries
    that are not finite count as missing. Of rows in a file, outliers and duplicates are those among
    some of them, evenly spaced.
    """
    if isinstance(x, MappedRows):
        return _of_mapped(x, positions=positions)
    rows = len(x)
    columns = int(np.prod(x.shape[1:]))
    flat = x.reshape(rows, columns)
    sample = flat[_spaced(rows, columns, LEAST_SAMPLED_ROWS)]
    few = flat[_spaced(rows, columns, 1)].reshape(-1, 1)
    whole = _feature("all", flat.reshape(-1, 1), few, rows_each=max(columns, 1))
    if positions or x.size == 0:
        return InputSummary(rows, columns, "positions" if positions else "numbers", whole=whole)
    by_channel = x.ndim > 2
    table = x.reshape(-1, x.shape[-1]) if by_channel else flat
    some = few.reshape(-1, x.shape[-1]) if by_channel else sample
    smallest, largest = table.min(axis=0), table.max(axis=0)
    constant = smallest == largest
    entries_each = len(table) // rows
    features = tuple(
        _feature(str(number), table[:, [number]], some[:, [number]], rows_each=entries_each)
        for number in _remarkable(some, smallest, largest)
    )
    return InputSummary(
        rows,
        columns,
        axis="channel" if by_channel else "column",
        whole=whole,
        features=features,
        constant_count=int(constant.sum()),
        duplicates=_duplicates(flat),
    )


def _of_mapped(x: MappedRows, *, positions: bool) -> InputSummary:
    """Return the summary of rows in a file: of some of them, with the ranges of all."""
    chosen = spaced_rows(x)
    summary = summarize_inputs(x[chosen], positions=positions)
    if len(chosen) == len(x):
        return summary
    smallest, largest = (each.reshape(-1) for each in (x.min(axis=0), x.max(axis=0)))
    if summary.axis == "channel":
        channels = x.shape[-1]
        smallest = smallest.reshape(-1, channels).min(axis=0)
        largest = largest.reshape(-1, channels).max(axis=0)

    def of_all(one: FeatureSummary, low: Any, high: Any) -> FeatureSummary:
        return replace(
            one,
            smallest=float(low),
            largest=float(high),
            constant=bool(low == high),
            outlier_rows=tuple(int(chosen[row]) for row in one.outlier_rows),
        )

    whole = None if summary.whole is None else of_all(summary.whole, smallest.min(), largest.max())
    return replace(
        summary,
        rows=len(x),
        whole=whole,
        features=tuple(
            of_all(one, smallest[int(one.name)], largest[int(one.name)]) for one in summary.features
        ),
        constant_count=int((smallest == largest).sum()),
    )


def summarize_answers(
    y: Array, task: Task, classes: int = 0, chance_loss: float | None = None
) -> AnswerSummary:
    """Return the summary of answers `y` (rows, …) in the order in which rows come.

    `classes`: how many there are, for positions of classes.
    """
    rows = len(y)
    flat = y.reshape(-1)
    if task is Task.NUMBERS:
        sample = y.reshape(rows, -1)[_spaced(rows, max(y.size // max(rows, 1), 1), 1)].reshape(
            -1, 1
        )
        width = max(y.size // max(rows, 1), 1)
        numbers = _feature("answer", flat.reshape(-1, 1), sample, rows_each=width)
        order = _correlation_of_neighbors(y.reshape(rows, -1)[:, 0])
        return AnswerSummary(
            task,
            rows,
            numbers=numbers,
            order_share=order,
            chance_loss=chance_loss,
            **_levels(flat),
            one_hot=_is_one_hot(y),
        )
    whole = flat.astype("int64", copy=False)
    counts = np.zeros(max(classes, 2), "int64")
    for start in range(0, len(whole), ANSWERS_AT_ONCE):
        part = whole[start : start + ANSWERS_AT_ONCE]
        more = np.bincount(part[part >= 0], minlength=len(counts))
        more[: len(counts)] += counts
        counts = more
    first = whole.reshape(rows, -1)[:, 0] if rows else whole
    return AnswerSummary(
        task,
        rows,
        counts=tuple(int(count) for count in counts),
        order_share=_order_of_classes(first),
        chance_loss=chance_loss,
    )


def _levels(flat: Array) -> dict[str, Any]:
    """Return the different numbers and how often each occurs; nothing where there are many."""
    # The first thousand nearly always tell that there are many, without a sort of all.
    if len(np.unique(flat[:1000])) > MOST_LEVELS:
        return {}
    found: dict[float, int] = {}
    for start in range(0, len(flat), ANSWERS_AT_ONCE):
        part = flat[start : start + ANSWERS_AT_ONCE]
        levels, counts = np.unique(part[np.isfinite(part)], return_counts=True)
        for level, count in zip(levels.tolist(), counts.tolist(), strict=True):
            found[level] = found.get(level, 0) + count
            if len(found) > MOST_LEVELS:
                return {}
    there = sorted(found)
    return {"levels": tuple(there), "level_counts": tuple(found[level] for level in there)}


def _is_one_hot(y: Array) -> bool:
    """Return whether each row of `y` (rows, columns) is one 1 among zeros."""
    if y.ndim != 2 or y.shape[1] < 2 or not len(y):
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def overlap(x: Array, other: Array) -> float | None:
    """Return the share of rows of `other` (rows, …) that are also, bit for bit, rows of `x`.

    None where there are too many numbers to compare.
    """
    same = copies(x, other) if len(x) and len(other) else None
    return None if same is None else float(same.mean())


def copies(x: Array, other: Array) -> Array | None:
    """Return which rows of `other` (rows, …) are also, bit for bit, rows of `x`, (rows,) bool.

    None where there are too many numbers to compare.
    """
    flat, others = x.reshape(len(x), -1), other.reshape(len(other), -1)
    some_of_others = _first_numbers(others)
    known = np.unique(some_of_others)
    # Rows in a file may be many more than memory holds numbers for.
    parts = pieces_of(flat) if isinstance(flat, MappedRows) else [flat]
    count, firsts, wholes = 0, [known[:0]], [known[:0]]
    for part in parts:
        some = _first_numbers(part)
        # By sorting: NumPy 2.0 subtracts such numbers of 64 bits as signed ones, and fails.
        alike = np.isin(some, known, kind="sort")
        count += int(alike.sum())
        if count * flat.shape[1] > MOST_COMPARED:
            return None
        firsts.append(np.unique(some[alike]))
        wholes.append(row_numbers(part[alike]))
    others_alike = np.isin(some_of_others, np.concatenate(firsts), kind="sort")
    if (count + int(others_alike.sum())) * flat.shape[1] > MOST_COMPARED:
        return None
    same = np.zeros(len(others), bool)
    same[others_alike] = np.isin(
        row_numbers(others[others_alike]), np.concatenate(wholes), kind="sort"
    )
    return same


def row_numbers(flat: Array) -> Array:
    """Return a number for each row of `flat` (rows, columns), (rows,) uint64, equal for equal rows.

    Different rows have different ones but for one pair in 2⁶⁴: each entry's bits times a fixed odd
    number, summed in whole numbers, so that no rounding depends on where a row stands.
    """
    random = np.random.default_rng(HASH_SEED)
    odd: Array = 2 * random.integers(0, 2**63, (flat.shape[1],), dtype="uint64") + 1
    numbers = np.empty(len(flat), "uint64")
    at_once = max(1, ENTRIES_AT_ONCE // max(flat.shape[1], 1))
    for start in range(0, len(flat), at_once):
        numbers[start : start + at_once] = _row_numbers(flat[start : start + at_once], odd)
    return numbers


def _row_numbers(flat: Array, odd: Array) -> Array:
    # −0 and 0 are the same number in other bits.
    plain = np.ascontiguousarray(flat + 0.0 if flat.dtype.kind == "f" else flat)
    width = plain.dtype.itemsize
    bits = plain.view(f"u{width}").astype("uint64") if width != 8 else plain.view("uint64")
    # Mixed, so that small differences of entries do not cancel out between columns.
    mixed = bits >> np.uint64(15)
    mixed ^= bits
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= odd
    numbers: Array = mixed.sum(axis=1, dtype="uint64")
    return numbers


def _spaced(rows: int, columns: int, least: int) -> Array:
    """Return the indices of rows evenly spaced, all if they have few entries; `least` at least."""
    count = min(rows, max(least, MOST_SAMPLED // max(columns, 1)))
    return np.arange(count) * rows // max(count, 1)


def _feature(name: str, entries: Array, sample: Array, *, rows_each: int) -> FeatureSummary:
    """Return the summary of one column; `entries`, `sample`: (entries, 1).

    `rows_each`: entries that belong to one row, one after the other.
    """
    known = sample[np.isfinite(sample)].astype("float64")
    if not len(known):
        share = 1.0 if len(sample) else 0.0
        return FeatureSummary(name, 0.0, 0.0, 0.0, 0.0, missing_share=share, constant=True)
    with np.errstate(over="ignore", invalid="ignore"):
        smallest, largest = (
            float(np.fmin.reduce(entries[:, 0])),
            float(np.fmax.reduce(entries[:, 0])),
        )
        median = float(np.median(known))
        spread = NORMAL * float(np.median(np.abs(known - median)))
        far = OUTLIER_SPREADS * spread
        outliers, rows = 0, np.empty(0, "int64")
        if spread > 0 and (smallest < median - far or largest > median + far):
            outliers, farthest = _farthest(entries[:, 0], median, far, MOST_OUTLIER_ROWS)
            rows = np.unique(farthest // rows_each)
    return FeatureSummary(
        name,
        mean=float(known.mean()),
        deviation=float(known.std()),
        smallest=smallest,
        largest=largest,
        median=median,
        spread=spread,
        missing_share=1.0 - len(known) / sample.size,
        constant=smallest == largest,
        outliers=outliers,
        outlier_rows=tuple(int(row) for row in rows),
    )


def _farthest(entries: Array, center: float, far: float, most: int) -> tuple[int, Array]:
    """Return how many `entries` (entries,) are farther than `far` from `center`, and which most so.

    Those are `most` indices at most, the farthest first; of equally far ones the earlier. In pieces
    that stay in the cache: of all pixels of many pictures half may be far from a median of black.
    """
    count = 0
    best, which = np.empty(0), np.empty(0, "int64")
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        distance = np.abs(entries[start : start + ENTRIES_AT_ONCE].astype("float64") - center)
        beyond = np.flatnonzero(distance > far)
        count += len(beyond)
        if len(best) == most:
            beyond = beyond[distance[beyond] > best[-1]]
        if len(beyond):
            best = np.concatenate([best, distance[beyond]])
            which = np.concatenate([which, beyond + start])
            order = np.argsort(-best, kind="stable")[:most]
            best, which = best[order], which[order]
    return count, which


def _remarkable(sample: Array, smallest: Array, largest: Array) -> list[int]:
    """Return which columns are described: all, or those of the largest and smallest scales."""
    count = sample.shape[1]
    if count <= MOST_FEATURES:
        return list(range(count))
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.maximum(np.abs(smallest), np.abs(largest)).astype("float64")
    order = np.argsort(-np.nan_to_num(size), kind="stable")
    half = MOST_FEATURES // 2
    return sorted(int(number) for number in {*order[:half], *order[-half:]})


def _first_numbers(flat: Array) -> Array:
    """Return what `row_numbers` gives for a few entries of each row."""
    step = max(1, flat.shape[1] // FIRST_COMPARED)
    return row_numbers(flat[:, ::step]) if flat.shape[1] else np.zeros(len(flat), "uint64")


def _duplicates(flat: Array) -> int:
    """Return how many rows equal an earlier one; 0 where there are too many to compare."""
    first = _first_numbers(flat)
    numbers, counts = np.unique(first, return_counts=True)
    alike = np.isin(first, numbers[counts > 1], kind="sort")
    if int(alike.sum()) * flat.shape[1] > MOST_COMPARED:
        return 0
    return int(alike.sum()) - len(np.unique(row_numbers(flat[alike])))


def _order_of_classes(classes: Array) -> float:
    """Return 1 − changes from row to row ÷ changes expected of shuffled rows, (rows,) → 0 to 1."""
    if len(classes) < 2:
        return 0.0
    often: dict[int, int] = {}
    for start in range(0, len(classes), ANSWERS_AT_ONCE):
        found, counts = np.unique(classes[start : start + ANSWERS_AT_ONCE], return_counts=True)
        for one, count in zip(found.tolist(), counts.tolist(), strict=True):
            often[one] = often.get(one, 0) + count
    shares = np.array([often[one] for one in sorted(often)]) / len(classes)
    expected = (len(classes) - 1) * (1.0 - float((shares**2).sum()))
    if expected <= 0:
        return 0.0
    changes = int((classes[1:] != classes[:-1]).sum())
    return float(np.clip(1.0 - changes / expected, 0.0, 1.0))


def _correlation_of_neighbors(numbers: Array) -> float:
    """Return the correlation of each number with the next one, at least 0."""
    if len(numbers) < 3:
        return 0.0
    mean = numbers.mean(dtype="float64")
    products, squares = 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(numbers), ANSWERS_AT_ONCE):
            # One more, whose neighbor is of this part.
            centered = numbers[start : start + ANSWERS_AT_ONCE + 1].astype("float64") - mean
            products += float((centered[1:] * centered[:-1]).sum())
            squares += float((centered[:ANSWERS_AT_ONCE] ** 2).sum())
    share = products / squares if squares > 0 else 0.0
    return float(np.clip(share, 0.0, 1.0)) if np.isfinite(share) else 0.0
