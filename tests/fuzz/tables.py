"""Tables as people have them, made up: sane ones, and the odd things that happen to tables.

Knows files, no command and no model. What is made depends on the random numbers given alone.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

Cells = list[str]
Maker = Callable[[Random, int], Cells]

PLAIN = ["red", "green", "blue", "north", "south", "old", "new", "small", "large"]
WORDS = [*PLAIN, "café", "Straße", "東京", "مرحبا", "🦄", "none"]
ODD_NAMES = (
    *(
        "",
        " ",
        "größe",
        "العمر",
        "名前",
        "🦄",
        "a,b",
        'say "so"',
        "two\nlines",
        "x" * 300,
        "1",
        "0.5",
    ),
    *(
        "row",
        "prediction",
        "target",
        "nan",
        "None",
        "index",
        "=cmd()",
        "--target",
        "a=b",
        "\u202ex",
    ),
    *("\x1b[31mred", "' or 1", "%", "y" + "\u0301", "\ufeffid", "tab\there", "probability of a"),
)
MISSING = ("", "NA", "n/a", "?", "-", "null", "NaN", "None", "missing", ".")
# What a cell of numbers may hold that no sane one does.
EXTREMES = ("1e308", "-1e308", "1e400", "inf", "-inf", "1e-320", "0", "-0.0", "9" * 40, "1e39")


@dataclass
class Table:
    """Columns by name, in order; names may be the same. `target`: where the answers are."""

    names: list[str]
    columns: list[Cells]
    target: int
    odd: list[str] = field(default_factory=list)
    head: bool = True
    separator: str = ","

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0]) if self.columns else 0


def _numbers(random: Random, rows: int) -> Cells:
    middle, width = random.choice([(0, 1), (100, 20), (5e4, 1e4), (0.01, 0.002), (-3, 0.5)])
    return [f"{random.gauss(middle, width):.4g}" for _ in range(rows)]


def _wholes(random: Random, rows: int) -> Cells:
    return [str(random.randint(0, random.choice([3, 9, 90]))) for _ in range(rows)]


def _categories(random: Random, rows: int) -> Cells:
    some = random.sample(PLAIN, random.randint(2, 4))
    return [random.choice(some) for _ in range(rows)]


def _booleans(random: Random, rows: int) -> Cells:
    no, yes = random.choice([("no", "yes"), ("False", "True"), ("0", "1"), ("f", "m"), ("N", "Y")])
    return [random.choice([no, yes]) for _ in range(rows)]


def _dates(random: Random, rows: int) -> Cells:
    form = random.choice(
        ["{y}-{m:02}-{d:02}", "{d:02}.{m:02}.{y}", "{m}/{d}/{y}", "{y}/{m:02}/{d:02}"]
    )
    form += random.choice(["", "", " {h:02}:15"])
    return [
        form.format(y=random.randint(1999, 2026), m=random.randint(1, 12), d=random.randint(1, 28),
                    h=random.randint(0, 23))
        for _ in range(rows)
    ]  # fmt: skip


def _texts(random: Random, rows: int) -> Cells:
    return [" ".join(random.choices(PLAIN, k=random.randint(2, 9))) for _ in range(rows)]


def _percents(random: Random, rows: int) -> Cells:
    return [f"{random.uniform(0, 100):.1f}%" for _ in range(rows)]


def _money(random: Random, rows: int) -> Cells:
    form = random.choice(["${:,.2f}", "€ {:.2f}", "{:,.0f} USD", "£{:,.0f}"])
    return [form.format(random.uniform(1, 90_000)) for _ in range(rows)]


def _identities(random: Random, rows: int) -> Cells:
    form = random.choice(["{}", "A{:05}", "user-{}@example.org"])
    return [form.format(row + 1000) for row in range(rows)]


SANE: tuple[Maker, ...] = (
    *(_numbers, _numbers, _numbers, _wholes, _wholes, _categories, _categories, _booleans),
    *(_dates, _texts, _percents, _money, _identities),
)


def _constant(random: Random, rows: int) -> Cells:
    return [random.choice(["1", "x", "", "0.0", "2024-01-01"])] * rows


def _nothing(random: Random, rows: int) -> Cells:
    return [random.choice(MISSING)] * rows


def _extreme(random: Random, rows: int) -> Cells:
    cells = _numbers(random, rows)
    for _ in range(random.randint(1, 3)):
        cells[random.randrange(rows)] = random.choice(EXTREMES)
    return cells


def _all_huge(random: Random, rows: int) -> Cells:
    scale = random.choice([1e300, 1e38, 1e-300, 1e-40, 1e18])
    return [f"{random.gauss(1, 0.3) * scale:.6g}" for _ in range(rows)]


def _mixed(random: Random, rows: int) -> Cells:
    """Numbers among words, or dates among numbers."""
    others = random.choice(
        [["high", "low"], ["2024-01-05"], ["12%", "$5"], ["x"], ["(5)", "1 000"]]
    )
    return [random.choice([*others, cell]) for cell in _numbers(random, rows)]


def _unicode(random: Random, rows: int) -> Cells:
    return [random.choice(WORDS) for _ in range(rows)]


def _quoted(random: Random, rows: int) -> Cells:
    odd = ['say "so"', "a,b", "two\nlines", "tab\there", "it's", "\\", '"', "\x1b[31m", "a;b", "\r"]
    return [random.choice(odd) for _ in range(rows)]


def _long_texts(random: Random, rows: int) -> Cells:
    return [
        random.choice(["word ", "x", "東京 ", "? "]) * random.choice([1, 50, 3000])
        for _ in range(rows)
    ]


def _commas(random: Random, rows: int) -> Cells:
    return [
        f"{random.randint(0, 9)}.{random.randint(100, 999)},{random.randint(10, 99)}"
        for _ in range(rows)
    ]


def _blanks_around(random: Random, rows: int) -> Cells:
    return [random.choice([" a", "a ", "a", " b ", "\u00a0b"]) for _ in range(rows)]


def _strange_dates(random: Random, rows: int) -> Cells:
    odd = ["0001-01-01", "9999-12-31", "2024-02-30", "1969-12-31", "2024-01-01T00:00:00Z",
           "2024-01-01T00:00:00+14:00", "00.00.0000", "1/1/70", "12:30", "Jan 5, 2024"]  # fmt: skip
    return [random.choice(odd) for _ in range(rows)]


ODD: tuple[Maker, ...] = (
    *(_constant, _nothing, _extreme, _all_huge, _mixed, _unicode, _quoted, _long_texts, _commas),
    *(_blanks_around, _strange_dates),
)


def _classes(random: Random, rows: int, signal: Cells) -> Cells:
    labels = random.choice([["a", "b"], ["yes", "no"], ["0", "1"], ["rose", "lily", "iris"],
                            ["1", "2", "3"], ["True", "False"], ["東京", "🦄"]])  # fmt: skip
    order = sorted(range(rows), key=lambda row: (_number(signal[row]), row))
    cells = [""] * rows
    for place, row in enumerate(order):
        at = place * len(labels) // max(rows, 1)
        cells[row] = labels[at] if random.random() < 0.85 else random.choice(labels)
    return cells


def _amounts(random: Random, rows: int, signal: Cells) -> Cells:
    form = random.choice(["{:.3f}", "{:.0f}", "{:.2f}", "${:,.2f}", "{:.1f}%", "{:.4g}"])
    return [form.format(3 * _number(cell) + random.gauss(5, 1)) for cell in signal]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float(len(cell))


def make_table(random: Random) -> Table:
    """Return a table, sane or with one or two odd things, which `odd` names."""
    rows = random.choice([random.randint(20, 60), random.randint(20, 60), random.randint(6, 30)])
    makers = [random.choice(SANE) for _ in range(random.randint(1, 4))]
    signal = _numbers(random, rows)
    columns = [signal, *(make(random, rows) for make in makers)]
    names = random.sample(
        ["size", "age", "color", "price", "city", "weight", "Name", "day", "n_rooms"], len(columns)
    )
    target = random.choice([_classes, _amounts])(random, rows, signal)
    table = Table([*names, "outcome"], [*columns, target], len(columns))
    if random.random() < 0.3:
        at = random.randrange(len(names))
        table.columns[at] = with_gaps(random, table.columns[at])
    if random.random() < 0.2:
        _move_target(random, table)
    for _ in range(random.choice([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3])):
        odd = random.choice(ODDITIES)
        odd(random, table)
        table.odd.append(odd.__name__.strip("_"))
    return table


def with_gaps(random: Random, cells: Cells) -> Cells:
    """Return cells some of which are missing."""
    sign = random.choice(MISSING[:6])
    return [sign if random.random() < 0.15 else cell for cell in cells]


def _move_target(random: Random, table: Table) -> None:
    name, cells = table.names.pop(), table.columns.pop()
    table.target = random.randint(0, len(table.names))
    table.names.insert(table.target, name)
    table.columns.insert(table.target, cells)


def _insert(random: Random, table: Table, name: str, cells: Cells) -> None:
    at = random.randint(0, len(table.names))
    table.names.insert(at, name)
    table.columns.insert(at, cells)
    table.target += at <= table.target


def _an_odd_column(random: Random, table: Table) -> None:
    maker = random.choice(ODD)
    if table.rows:
        _insert(random, table, maker.__name__.strip("_"), maker(random, table.rows))


def _an_odd_name(random: Random, table: Table) -> None:
    table.names[random.randrange(len(table.names))] = random.choice(ODD_NAMES)


def _the_same_name_twice(random: Random, table: Table) -> None:
    table.names[random.randrange(len(table.names))] = random.choice(table.names)


def _answers_missing(random: Random, table: Table) -> None:
    table.columns[table.target] = with_gaps(random, table.columns[table.target])


def _answers_mixed(random: Random, table: Table) -> None:
    cells = table.columns[table.target]
    for _ in range(min(len(cells), random.randint(1, 4))):
        cells[random.randrange(len(cells))] = random.choice(["5%", "$3", "x", "1e400", "A ", "(3)"])


def _answers_odd(random: Random, table: Table) -> None:
    if table.rows:
        table.columns[table.target] = random.choice(ODD)(random, table.rows)


def _answers_sane_but_other(random: Random, table: Table) -> None:
    if table.rows:
        table.columns[table.target] = random.choice(SANE)(random, table.rows)


def _a_class_of_one_row(random: Random, table: Table) -> None:
    if table.rows:
        table.columns[table.target][random.randrange(table.rows)] = "rare"


def _few_rows(random: Random, table: Table) -> None:
    count = random.choice([0, 1, 2, 3, 4, 5, 6, 8, 10])
    table.columns = [cells[:count] for cells in table.columns]


def _no_head(random: Random, table: Table) -> None:
    table.head = False
    if random.random() < 0.8:
        # As they are then called.
        table.names = [f"column_{at + 1}" for at in range(len(table.names))]


def _one_column(random: Random, table: Table) -> None:
    table.names = [table.names[table.target]]
    table.columns = [table.columns[table.target]]
    table.target = 0


def _many_columns(random: Random, table: Table) -> None:
    rows = table.rows
    for number in range(random.choice([30, 200])):
        table.names.append(f"c{number}")
        table.columns.append([f"{random.gauss(0, 1):.2f}" for _ in range(rows)])


def _a_copy_of_the_answers(random: Random, table: Table) -> None:
    _insert(random, table, "copy", list(table.columns[table.target]))


def _gaps_everywhere(random: Random, table: Table) -> None:
    table.columns = [
        cells if at == table.target else with_gaps(random, cells)
        for at, cells in enumerate(table.columns)
    ]


def _rows_twice(random: Random, table: Table) -> None:
    table.columns = [cells + cells[: len(cells) // 2] for cells in table.columns]


def _rows_sorted(random: Random, table: Table) -> None:
    order = sorted(range(table.rows), key=lambda row: table.columns[table.target][row])
    table.columns = [[cells[row] for row in order] for cells in table.columns]


def _extreme_cells(random: Random, table: Table) -> None:
    if table.rows:
        cells = table.columns[random.randrange(len(table.columns))]
        cells[random.randrange(len(cells))] = random.choice([*EXTREMES, *MISSING])


ODDITIES: tuple[Callable[[Random, Table], None], ...] = (
    *(_an_odd_column,) * 14,
    *(_an_odd_name,) * 8,
    *(_gaps_everywhere,) * 4,
    *(_extreme_cells,) * 5,
    *(_many_columns, _rows_twice, _rows_sorted, _a_copy_of_the_answers) * 2,
    *(_answers_sane_but_other, _answers_missing, _answers_mixed, _a_class_of_one_row) * 2,
    *(_few_rows, _no_head) * 2,
    *(_the_same_name_twice, _answers_odd, _one_column),
)


def table_bytes(random: Random, table: Table) -> tuple[bytes, str]:
    """Return the table as a file has it, and what the file's name ends in."""
    text, ending = _lines(random, table)
    for _ in range(random.choice([0] * 20 + [1])):
        odd = random.choice(FORMS)
        text = odd(random, text)
        table.odd.append(odd.__name__.strip("_"))
    way = random.choice(["utf-8"] * 14 + ["utf-8-sig"] * 3 + ["utf-16", "latin-1"])
    if way != "utf-8":
        table.odd.append(way)
    content = text.encode(way, "replace")
    if random.random() < 0.08:
        return gzip.compress(content, mtime=0), f"{ending}.gz"
    return content, ending


def _lines(random: Random, table: Table) -> tuple[str, str]:
    table.separator = random.choice([","] * 8 + [";", "\t", "|"])
    ending = ".tsv" if table.separator == "\t" and random.random() < 0.7 else ".csv"
    made = io.StringIO()
    writer = csv.writer(
        made,
        delimiter=table.separator,
        lineterminator=random.choice(["\n", "\n", "\n", "\r\n"]),
        quoting=random.choice([csv.QUOTE_MINIMAL] * 4 + [csv.QUOTE_ALL]),
    )
    if table.head:
        writer.writerow(table.names)
    writer.writerows(zip(*table.columns, strict=True))
    return made.getvalue(), ending


def _cut_off(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def _a_ragged_row(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    lines[at] = random.choice([f"{lines[at]},extra", lines[at].rpartition(",")[0], "", "# a note"])
    return "\n".join(lines)


def _blank_lines(random: Random, text: str) -> str:
    return random.choice(
        ["\n" + text, text + "\n\n\n", text.replace("\n", "\n\n", 2), text.rstrip("\n")]
    )


def _an_open_quote(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + '"' + text[at:]


def _a_zero_byte(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + "\0" + text[at:]


def _a_title_above(random: Random, text: str) -> str:
    return f"Report of {random.randint(1, 12)}/2026\n{text}"


FORMS: tuple[Callable[[Random, str], str], ...] = (
    *(_cut_off, _a_ragged_row, _blank_lines, _blank_lines, _an_open_quote, _a_zero_byte),
    _a_title_above,
)
