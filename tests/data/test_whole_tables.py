"""Tables that do not fit into memory: sampled, prepared once in a file, and learned from there."""

import gzip
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.data import Table, read_source
from misstep.data.io import delimited_files
from misstep.data.io.delimited import split_fields
from misstep.data.io.delimited_files import DelimitedFile, Noticed
from misstep.data.io.readers import read_rows
from misstep.data.preparation import Preparation
from misstep.data.table import prepared_tables, whole_tables
from misstep.data.table.table import table_of_words
from misstep.errors import DataError, MisstepError
from misstep.modeling import save_model
from misstep.modeling.options import Options
from misstep.modeling.pipeline import preparation_for, recognize, train

TEXTS = {
    "plain": "a,b\n1,2\n3,4\n",
    "windows": 'a;b\r\n1;"x\r\ny"\r\n\r\n3;4\r\n;\r\n',
    "quotes": 'a,b\n"1\n2",3\n"q""q", "z"\n',
    "no header": "1,2\n3,4",
    "surplus": "a,b\n1,2,,\n3,4\n,\n5,6\n,\n,\n",
    "returns": "a,b\r1,2\r3,4\r5,6",
    "said": "sep=;\na;b\n1;2\n",
    "tabs": "a\tb\n1\tx y\n2\t\n",
    "marked": "\ufeffa,ö\n1,ü\n2,€\n",
}


def write_rows(path: Path, rows: int = 600, seed: int = 0) -> Path:
    """Write numbers, a category and an answer that follows from them."""
    draw = random.Random(seed)
    with path.open("w") as file:
        file.write("size,kind,weight,price\n")
        for _ in range(rows):
            size, weight, kind = draw.gauss(0, 1), draw.gauss(5, 2), draw.choice("abc")
            price = 2 * size + (kind == "a") - weight + draw.gauss(0, 0.1)
            file.write(f"{size:.4f},{kind},{weight:.3f},{price:.3f}\n")
    return path


def small_pieces(monkeypatch: pytest.MonkeyPatch, sample: int = 2**12, written: int = 2048) -> None:
    monkeypatch.setattr(whole_tables, "_size_of_sample", lambda budget: sample)
    monkeypatch.setattr(whole_tables, "_chunk", lambda budget: 1024)
    monkeypatch.setattr(prepared_tables, "WRITTEN", written)


def options(folder: Path, **more) -> Options:
    how = {"target": "price", "epochs": 2, "network": "dense4-relu", "progress": False}
    return Options(**{**how, "prepared": folder / "prepared", "memory": "20kB", **more})


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_pieces_are_what_reading_all_at_once_gives(tmp_path, text, size):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    whole = split_fields(plain, "a.csv")
    file = DelimitedFile.of(path, "a.csv")
    pieces = list(file.pieces(size, Noticed()))
    assert list(file.layout.names) == whole.names
    assert [row for piece in pieces for row in piece.records] == whole.rows
    for piece in pieces:
        rest = [row for more in file.pieces(size, Noticed(), piece) for row in more.records]
        assert rest == whole.rows[piece.rows_after :]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8"])
def test_other_encodings_and_packed_files_are_read_in_pieces(tmp_path, encoding):
    text = "name,price\n" + "".join(f"Müller {i},{i}\n" for i in range(50))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode(encoding)))
    preparation = Preparation.of(tmp_path / "p", 1)
    table = read_source(path, preparation)
    assert isinstance(table, Table)
    assert table.whole is not None
    assert table.whole.rows == 50
    assert set(table.frame["name"]) <= {f"Müller {i}" for i in range(50)}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_only_the_first_character_of_a_file_is_a_mark(tmp_path, monkeypatch, encoding):
    # Blocks of 8 bytes, so that blocks begin with U+FEFF inside of texts.
    monkeypatch.setattr(delimited_files, "BLOCK", 8)
    rows = [[f"{'x' * number}\ufeffy", str(number)] for number in range(9)]
    text = "name,price\n" + "".join(",".join(row) + "\n" for row in rows)
    path = tmp_path / "a.csv"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + text).encode(encoding))
    file = DelimitedFile.of(path, "a.csv")
    assert file.layout.names == ("name", "price")
    assert [row for piece in file.pieces(5, Noticed()) for row in piece.records] == rows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n3\n", "line 3"),
        ('a,b\n1,"2,5\n3,4\n', "line 2"),
        ("a,b\n1,2\n3,\0\n", "NUL"),
        ("a,a\n1,2\n", "different name"),
        ("a,b\n", "header"),
    ],
)
def test_what_is_no_table_is_told(tmp_path, text, told):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(MisstepError, match=told):
        read_source(path, Preparation.of(tmp_path / "p", 1))


def test_a_sample_is_the_same_each_time_and_of_all_the_file(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    first, again = (read_source(path, Preparation.of(tmp_path / each, 1)) for each in "pq")
    numbers = first.row_numbers
    assert (numbers == again.row_numbers).all()
    assert first.whole.rows == 600
    assert 40 < len(numbers) < 300
    # Rows of all parts of the file, each beside its number.
    assert all((numbers > at).any() and (numbers <= at).any() for at in (150, 300, 450))
    whole = read_source(path)
    assert first.frame.equals(whole.take(numbers - 1).frame)


def test_words_of_few_are_not_missed_by_chance(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[411] = lines[411].replace(lines[411].split(",")[1], "rare", 1)
    path.write_text("\n".join(lines))
    table = read_source(path, Preparation.of(tmp_path / "p", 1))
    assert "rare" in set(table.frame["kind"])


def test_where_the_sample_is_all_rows_the_bits_are_those_of_memory(tmp_path, monkeypatch):
    small_pieces(monkeypatch, sample=2**30)
    path = write_rows(tmp_path / "a.csv")
    inside = train(path, options(tmp_path / "in", memory="1GB"))
    outside = train(path, options(tmp_path / "out"))
    assert (tmp_path / "out" / "prepared" / "rows" / "features.rows").is_file()
    for name, result in (("inside", inside), ("outside", outside)):
        save_model(result.model, tmp_path / name)
    assert (tmp_path / "inside").read_bytes() == (tmp_path / "outside").read_bytes()
    assert inside.scores["test"] == outside.scores["test"]


def prepared_of(path, folder, **more):
    return train(path, options(folder, **more))


def prepare(path, folder):
    how = options(folder)
    modality = recognize(read_source(path, preparation_for(how)), how)
    return modality.prepare(modality.split())


def test_all_rows_but_those_judged_on_are_learned_from(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    result = prepared_of(path, tmp_path / "run")
    sample = next(one for one in result.decisions if one.what == "sample")
    assert "of 600 rows" in sample.choice
    learned = result.model.facts["rows"]
    judged = len(result.held_out) + len(result.watched.examples)
    assert learned + judged == 600
    assert result.scores["test"]["rmse"] < result.scores["baseline"]["rmse"]
    assert all(name.startswith("row ") for name in result.held_out.names)
    # The rows are those of the file, encoded as rows to predict for are.
    trainer, table = result.trainer, read_source(path)
    stored = np.fromfile(tmp_path / "run/prepared/rows/features.rows", "<f4")
    numbers = np.fromfile(tmp_path / "run/prepared/rows/numbers.rows", "<i8")
    answers = np.fromfile(tmp_path / "run/prepared/rows/answers.rows", "<f4")
    rows = table.take(numbers - 1)
    assert (stored.reshape(len(numbers), -1) == result.model.preprocessing.transform(rows)).all()
    assert (answers == result.model.target.encode(rows.column("price"))).all()
    assert trainer.seed == 0
    again = prepared_of(path, tmp_path / "again", prepared=tmp_path / "run/prepared")
    assert any("again" in one.choice for one in again.decisions if one.what == "rows")


def test_a_killed_preparation_goes_on_behind_its_last_whole_piece(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    prepare(path, tmp_path / "whole")

    for killed in (2, 4):
        run, count = tmp_path / f"run{killed}", itertools.count()
        add = prepared_tables.RowWriter.add

        def dies(self, rows, facts=None, add=add, count=count, killed=killed):
            if self._paths["rows"].parent.name == "rows" and next(count) == killed:
                raise KeyboardInterrupt
            add(self, rows, facts)

        with monkeypatch.context() as once:
            once.setattr(prepared_tables.RowWriter, "add", dies)
            with pytest.raises(KeyboardInterrupt):
                prepare(path, run)
        encoded = []
        with monkeypatch.context() as once:
            method = prepared_tables._Pass._all_encoded
            once.setattr(
                prepared_tables._Pass,
                "_all_encoded",
                lambda self, records, start, encoded=encoded, method=method: (
                    encoded.append(start),
                    method(self, records, start),
                )[1],
            )
            prepare(path, run)
        assert (encoded[0] > 0) == (killed >= 3)
        for name in ("features", "answers", "numbers"):
            one, other = (each / f"prepared/rows/{name}.rows" for each in (run, tmp_path / "whole"))
            assert one.read_bytes() == other.read_bytes()


def test_cells_unlike_the_sample_are_told_and_never_silently_wrong(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    sample = set(read_source(path, Preparation.of(tmp_path / "p", 1)).row_numbers.tolist())
    word, answer, huge, empty = [row for row in range(100, 600) if row not in sample][:4]
    lines = path.read_text().splitlines()

    def change(row, column, cell):
        cells = lines[row].split(",")
        cells[column] = cell
        lines[row] = ",".join(cells)

    change(word, 0, "broken")
    change(answer, 3, "none")
    change(huge, 2, "inf")
    change(empty, 2, "")
    path.write_text("\n".join(lines))
    result = prepared_of(path, tmp_path / "run")
    numbers = np.fromfile(tmp_path / "run/prepared/rows/numbers.rows", "<i8")
    stored = np.fromfile(tmp_path / "run/prepared/rows/features.rows", "<f4")
    rows = dict(zip(numbers.tolist(), stored.reshape(len(numbers), -1), strict=True))
    preprocessing = result.model.preprocessing
    table = read_source(path)
    for row in (word, empty):
        assert (rows[row] == preprocessing.transform(table.take(np.array([row - 1])))[0]).all()
    assert huge not in rows
    assert answer not in rows
    told = " ".join(result.notes)
    assert "'broken'" in told
    # Training does have such cells: only the rows that all was decided on have none.
    assert "no number as in the sample" in told
    assert "where the sample had none" in told
    assert "where training had none" not in told
    assert "1 row left out" in told


def test_a_file_unlike_its_sample_is_refused(tmp_path, monkeypatch):
    small_pieces(monkeypatch, sample=600)
    monkeypatch.setattr(prepared_tables, "MOST_UNREADABLE", 3)
    path = write_rows(tmp_path / "a.csv", 500)
    sample = set(read_source(path, Preparation.of(tmp_path / "p", 1)).row_numbers.tolist())
    lines = path.read_text().splitlines()
    for row in range(200, 400):
        if row not in sample:
            size, kind, _, price = lines[row].split(",")
            lines[row] = f"{size},{kind},inf,{price}"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match="finite"):
        prepared_of(path, tmp_path / "run")


def test_rows_like_those_judged_on_are_not_learned_from(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv", 300)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *lines[1:]]))
    result = prepared_of(path, tmp_path / "run")
    numbers = np.fromfile(tmp_path / "run/prepared/rows/numbers.rows", "<i8")
    judged = [int(name.removeprefix("row ")) for name in result.held_out.names]
    judged += [int(name.removeprefix("row ")) for name in result.watched.names]
    like = {(row - 1) % 300 for row in judged}
    assert not like & {(row - 1) % 300 for row in numbers.tolist()}
    assert any("rows like them are judged on" in note for note in result.notes)


def test_only_rows_drawn_by_chance_are_judged_on(tmp_path, monkeypatch):
    # The first row of each of 60 places is in the sample, but for its sake alone.
    draw = random.Random(0)
    small_pieces(monkeypatch, 2**14)
    lines = [
        f"{draw.random():.5f},place{draw.randrange(60)},{draw.random():.5f}" for _ in range(6000)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["x,place,price", *lines]))
    modality = recognize(read_source(path, preparation_for(options(tmp_path))), options(tmp_path))
    split = modality.split()
    table = modality.context
    assert isinstance(table, Table)
    assert table.whole is not None
    fair = table.whole.are_drawn_by_chance(table.row_numbers)
    first = {}
    for number, line in enumerate(lines, 1):
        first.setdefault(line.split(",")[1], number)
    asked_for = set(table.row_numbers[~fair])
    assert asked_for
    assert asked_for <= set(first.values())
    judged = set(table.row_numbers[np.concatenate([split.validation, split.test])])
    assert judged
    assert not judged & asked_for
    parts = np.concatenate([split.train, split.validation, split.test])
    assert sorted(parts) == list(range(len(table)))


def test_groups_that_are_judged_on_are_not_learned_from(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    rows = [f"{line},{number % 20}" for number, line in enumerate(lines[1:])]
    path.write_text("\n".join([f"{lines[0]},person", *rows]))
    result = prepared_of(path, tmp_path / "run", groups="person")
    numbers = np.fromfile(tmp_path / "run/prepared/rows/numbers.rows", "<i8")
    judged = {(int(name.removeprefix("row ")) - 1) % 20 for name in result.held_out.names}
    assert judged
    assert not judged & {(number - 1) % 20 for number in numbers.tolist()}


@pytest.mark.parametrize("name", ["cells", "numbers"])
def test_a_sample_of_somebody_is_looked_at_before_it_is_believed(tmp_path, monkeypatch, name):
    small_pieces(monkeypatch)
    path, folder = write_rows(tmp_path / "a.csv"), tmp_path / "p"
    read_source(path, Preparation.of(folder, 1))
    file = next((folder / "sample").glob(f"{name}_*.rows"))
    content = bytearray(file.read_bytes())
    content[: len(content) // 2] = bytes(len(content) // 2)
    file.write_bytes(content)
    with pytest.raises(MisstepError, match="removing the folder"):
        read_source(path, Preparation.of(folder, 1))


def test_classes_are_known_from_all_rows(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    rows = [f"{line},{'cheap' if i % 3 else 'dear'}" for i, line in enumerate(lines[1:])]
    rows[417] = rows[417].rpartition(",")[0] + ",priceless"
    path.write_text("\n".join([lines[0] + ",class", *rows]))
    result = prepared_of(path, tmp_path / "run", target="class")
    assert set(result.model.target.classes) == {"cheap", "dear", "priceless"}


def test_only_is_refused_where_rows_do_not_fit(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    with pytest.raises(ms.MisstepError, match="fits into memory"):
        prepared_of(path, tmp_path / "run", only="kind=a")


def test_every_row_is_predicted_for(tmp_path, monkeypatch):
    small_pieces(monkeypatch)
    path = write_rows(tmp_path / "a.csv")
    result = prepared_of(path, tmp_path / "run")
    rows = read_rows(
        path, result.model.preprocessing, "price", Preparation.of(tmp_path / "passing", "20kB")
    )
    assert len(rows) == 600


def test_notes_on_odd_cells_of_a_sample_name_the_rows_of_the_file() -> None:
    words = {"x": [*map(str, range(60)), "broken"], "y": [*map(str, range(60)), "broken"]}
    notes: list[str] = []
    table_of_words(words, "t.csv", notes, numbers=np.arange(1, 62) * 100)
    assert any("'broken' in row 6100" in note for note in notes)
    assert any(note.startswith("row 6100 holds words") for note in notes)
