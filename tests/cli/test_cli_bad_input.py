"""Bad input of every kind: exit code 2, one clear sentence, no traceback, nothing touched.

Each case is a line of `CASES`: what is written first, the command line, and words that the message
must hold. The world before and after is compared file by file.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cli_world import Run, flowers, hashes, houses, idx

ROWS = flowers()
HEAD, *LINES = ROWS.splitlines()
TRAIN = "train bad.csv --target kind"
FLOWERS = "train flowers.csv --target kind"
F, H, B = (f"runs/{name}/model.misstep" for name in ("flowers", "houses", "bars"))


@dataclass(frozen=True)
class Case:
    """Bad input: the command line, words of its message (regular expressions), files made first."""

    name: str
    command: str
    words: tuple[str, ...]
    files: dict[str, str | bytes] = field(default_factory=dict)


def case(name: str, command: str, *words: str, **files: str | bytes) -> Case:
    return Case(name, command, words, {k.replace("__", "."): v for k, v in files.items()})


def with_column(name: str, values: list[str]) -> str:
    """Return the table of flowers with one more column."""
    lines = [f"{line},{value}" for line, value in zip(LINES, values, strict=False)]
    return "\n".join([f"{HEAD},{name}", *lines]) + "\n"


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("flowers.csv", ROWS)
    return made.getvalue()


DAYS = [f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(60)]

CASES = [
    # What is given as a table
    case("missing file", "train flowrs.csv", "flowrs.csv", "flowers.csv, the nearest name"),
    case("missing folder", "train no/such/file.csv", "no/such", "not there either"),
    case("nearly an example", "train digit", "digits, the example"),
    case("empty name", ["train", ""], "an empty text"),  # type: ignore[arg-type]
    case("empty file", TRAIN, "an empty file", bad__csv=""),
    case("blanks only", TRAIN, "blanks", bad__csv=" \n\n  \n"),
    case("header only", TRAIN, "4 names and no rows", bad__csv=HEAD + "\n"),
    case("one row", TRAIN, "two different answers", bad__csv="\n".join([HEAD, LINES[0]])),
    case("one column", TRAIN, "besides? the target", bad__csv="kind\na\nb\n"),
    case(
        "ragged rows",
        TRAIN,
        "line 4",
        "4 fields",
        "got 5",
        bad__csv="\n".join([HEAD, *LINES[:2], "1,2,red,rose,5"]),
    ),
    case(
        "duplicate headers",
        TRAIN,
        "'length' at columns 1 and 2",
        bad__csv=ROWS.replace("width", "length", 1),
    ),
    case("open quote", TRAIN, "closing quote", bad__csv=f'{ROWS}1,2,"re,d,rose\n'),
    case(
        "wrong delimiter",
        "train bad.csv --target kind",
        "the target",
        "length!width!color!kind",
        bad__csv=ROWS.replace(",", "!"),
    ),
    case("NUL bytes", TRAIN, "NUL bytes", bad__csv=ROWS.replace("red", "r\0d", 1)),
    case("binary", TRAIN, "binary", bad__csv=bytes(range(256)) * 20),
    case("zip archive", TRAIN, "zip archive or an Excel workbook", bad__csv=zipped()),
    case("parquet", "train t.parquet", "Parquet", t__parquet=b"PAR1" + bytes(40) + b"PAR1"),
    case("old Excel", "train t.xls", "Excel", t__xls=b"\xd0\xcf\x11\xe0" + bytes(40)),
    case("web page", TRAIN, "a web page", bad__csv="<!DOCTYPE html><html><body>404</body></html>"),
    case("JSON", TRAIN, "JSON", bad__csv='[{"a": 1, "b": 2}]'),
    case("half UTF-16", TRAIN, "UTF-16", bad__csv=ROWS.encode("utf-16")[:-1]),
    case("cut gzip", "train b.csv.gz", "whole gzip", b__csv__gz=gzip.compress(ROWS.encode())[:200]),
    case(
        "damaged gzip",
        "train b.csv.gz",
        "gzip",
        "damaged",
        b__csv__gz=gzip.compress(ROWS.encode())[:10] + b"\xff" * 99,
    ),
    case("a folder", "train runs", "runs", "another folder"),
    case(
        "folder of photos",
        "train photos",
        "side by side",
        "photos/cats",
        photos__slash__a__png=b"\x89PNG",
    ),
    case(
        "one class",
        "train photos",
        "two or more classes",
        "one, 'a'",
        photos__slash__a__slash__b__png=b"\x89PNG",
    ),
    case(
        "broken photos",
        "train photos",
        "2 of 2",
        "can't be read",
        photos__slash__a__slash__b__png=b"\x89PNG",
        photos__slash__b__slash__b__png=b"\x89PNG",
    ),
    case("one photo", "train a.png", "many images", a__png=b"\x89PNG"),
    case("augmented table", "train flowers.csv --target kind --augment flip", "a table"),
    case("unknown augmentation", "train bars --augment flap", "'flap'", "flip"),
    case("a device", "train /dev/null", "a device, pipe or socket"),
    case("a pipe", "train fifo", "a device, pipe or socket"),
    case("an address", "train https://example.org/a.csv", "downloading it first"),
    # The target and the task
    case("no target", "train flowers.csv", "length, width, color, kind", '--target "kind"'),
    case("unknown target", "train flowers.csv --target kin", "'kind', the nearest name"),
    case(
        "constant target",
        TRAIN,
        "two different answers",
        "'rose' in all",
        bad__csv=re.sub("lily|iris", "rose", ROWS),
    ),
    case(
        "target all missing",
        "train bad.csv --target empty",
        "'empty'",
        "without one",
        bad__csv=with_column("empty", [""] * 60),
    ),
    case(
        "dates as the target",
        "train bad.csv --target day",
        "dates",
        "days from a fixed date",
        bad__csv=with_column("day", DAYS),
    ),
    case(
        "names as the target",
        "train bad.csv --target who",
        "classes that repeat",
        "--task",
        bad__csv=with_column("who", [f"person {n} x" for n in range(60)]),
    ),
    case(
        "regression on texts",
        "train flowers.csv --target kind --task regression",
        "numbers, because the task is regression",
        "--task classification",
    ),
    case(
        "classes of continuous numbers",
        "train houses.csv --target price --task classification",
        "continuous numbers",
        "--task regression",
    ),
    case(
        "infinite answers",
        "train bad.csv --target price",
        "'price', row 3",
        "inf",
        bad__csv=houses().replace(houses().splitlines()[3].rsplit(",", 1)[1], "inf"),
    ),
    case(
        "infinite cells",
        TRAIN,
        "'length', row 1",
        "finite",
        bad__csv=ROWS.replace(LINES[0].split(",")[0], "1e999", 1),
    ),
    case(
        "vectors without a network that reads",
        f"{FLOWERS} --vectors no.txt",
        "--vectors no.txt",
        "no --network",
        "embed25-lstm32",
    ),
    case("without an unknown column", f"{FLOWERS} --without lenght", "--without", "'length'"),
    case("without the target", f"{FLOWERS} --without kind", "--without kind", "the target"),
    # A table to be judged on
    case(
        "test without the target",
        "train flowers.csv --target kind --test houses.csv",
        "houses.csv",
        "the column 'kind'",
    ),
    case(
        "test without a column",
        "train flowers.csv --target kind --test bad.csv",
        "'length' is missing",
        bad__csv="width,color,kind\n1,red,rose\n2,red,lily\n",
    ),
    case(
        "test with other classes",
        "train flowers.csv --target kind --test bad.csv",
        "'tulip'",
        "3 classes",
        bad__csv=ROWS.replace("rose", "tulip"),
    ),
    case("test is missing", "train flowers.csv --target kind --test no.csv", "no.csv"),
    case("test for images", "train bars --test nowhere", "nowhere", "a file"),
    case("target for images", "train bars --target kind", "--target", "a table"),
    case("regression on images", "train bars --task regression", "--task", "a table"),
    # Settings
    case("negative epochs", "train flowers.csv --target kind --epochs -3", "epochs", "1 or more"),
    case("epochs as text", "train flowers.csv --epochs ten", "--epochs", "whole number", "'ten'"),
    case("half an epoch", "train flowers.csv --epochs 2.5", "--epochs", "whole number", "'2.5'"),
    case(
        "no batch", "train flowers.csv --target kind --batch-size 0", "--batch-size 0", "1 or more"
    ),
    case("no threads", "train flowers.csv --target kind --threads 0", "threads", "1 or more"),
    case("rate of 0", "train flowers.csv --target kind --learning-rate 0", "above 0", "Try: 0.001"),
    case("rate below 0", "train flowers.csv --target kind --learning-rate -1", "above 0", "got -1"),
    case("rate of nan", "train flowers.csv --target kind --learning-rate nan", "above 0", "nan"),
    case("rate of inf", "train flowers.csv --target kind --learning-rate inf", "above 0", "inf"),
    case("rate as text", "train flowers.csv --learning-rate fast", "--learning-rate", "a number"),
    case("seed below 0", "train flowers.csv --target kind --seed -1", "seed", "-1"),
    case(
        "unknown layer",
        "train flowers.csv --target kind --network dense8-rellu",
        "'rellu'",
        "Try: relu",
    ),
    case("layer without units", "train flowers.csv --target kind --network dense", "'dense'"),
    case(
        "empty network",
        [
            "train",
            "flowers.csv",
            "--target",
            "kind",  # type: ignore[arg-type]
            "--network",
            "-",
        ],
        "a network in one line",
    ),
    case("unknown task", "train flowers.csv --task guess", "'guess'", "classification"),
    case("unknown option", "train flowers.csv --epoch 3", "--epoch", "misstep train --help"),
    case("unknown command", "trian flowers.csv", "'trian'", "'train'"),
    case("too many words", "train flowers.csv houses.csv", "houses.csv"),
    case("no value", "train flowers.csv --epochs", "--epochs"),
    # Where the run goes
    case(
        "out is a file",
        "train flowers.csv --target kind --out houses.csv",
        "--out houses.csv",
        "a folder",
    ),
    case(
        "out below a file",
        "train flowers.csv --target kind --out houses.csv/a/b",
        "a folder",
        "houses.csv",
    ),
    case(
        "a folder where the model goes",
        "train flowers.csv --target kind --out o",
        "model.misstep",
        o__slash__model__misstep__slash__x="",
    ),
    case("long name", f"train flowers.csv --target kind --out {'o' * 300}", "--out", "long"),
    # Images
    case(
        "images without labels",
        "train p",
        "train-labels-idx1-ubyte",
        **{"p__slash__train-images-idx3-ubyte": idx([[[1, 2], [3, 4]]])},
    ),
    case(
        "cut images",
        "train p",
        "bytes of values",
        **{
            "p__slash__train-images-idx3-ubyte": idx([[[1, 2], [3, 4]]])[:-1],
            "p__slash__train-labels-idx1-ubyte": idx([1]),
        },
    ),
    case(
        "labels that do not fit",
        "train p",
        "labels of one byte",
        **{
            "p__slash__train-images-idx3-ubyte": idx([[[1, 2], [3, 4]]]),
            "p__slash__train-labels-idx1-ubyte": idx([1, 2]),
        },
    ),
    # Predicting
    case("no model", "predict no.misstep flowers.csv", "no.misstep", "nothing of that name"),
    case("the name of a run", "predict flowers flowers.csv", f"Try: {F}"),
    case("a folder as a model", "predict runs/flowers flowers.csv", "a folder", f"Try: {F}"),
    case("a table as a model", "predict flowers.csv flowers.csv", "misstep file"),
    case("an empty model", "predict m flowers.csv", "0 bytes", m=b""),
    case("random bytes", "predict m flowers.csv", "misstep file", m=bytes(range(255, 0, -1)) * 9),
    case("a device as a model", "predict /dev/zero flowers.csv", "device"),
    case("no rows", f"predict {F} no.csv", "no.csv", "nothing of that name"),
    case(
        "rows of another table",
        f"predict {F} houses.csv",
        "'length', 'width' and 'color' are missing",
    ),
    case(
        "a misspelled column",
        f"predict {F} bad.csv",
        "'width' is missing",
        "'widths' is there instead",
        bad__csv=ROWS.replace("width", "widths"),
    ),
    case(
        "an infinite number",
        f"predict {F} bad.csv",
        "'length', row 1",
        "bad.csv",
        "inf",
        bad__csv=ROWS.replace(LINES[0].split(",")[0], "inf", 1),
    ),
    case("images for a table's model", f"predict {F} bars", "a table", "length", "images"),
    case("one file of images for it", f"predict {F} bars/t10k-images-idx3-ubyte", "a table"),
    case(
        "a table for images' model",
        f"predict {B} flowers.csv",
        "images of 16 pixels",
        "a table of 4 columns",
    ),
    case("labels for images' model", f"predict {B} bars/t10k-labels-idx1-ubyte", "labels"),
    case(
        "images of another size",
        f"predict {B} q-images-idx3-ubyte",
        "16 pixels",
        "got 2 × 2",
        **{"q-images-idx3-ubyte": idx([[[1, 2], [3, 4]]])},
    ),
    case("predictions into a folder", f"predict {F} flowers.csv --out runs", "runs", "a folder"),
    case("predictions nowhere", f"predict {F} flowers.csv --out no/p.csv", "no such folder"),
    case("rows missing", f"predict {F}", "SOURCE", "misstep predict --help"),
    # Explaining
    case("row 0", f"explain {F} flowers.csv --row 0", "1 to 60", "counted from 1"),
    case("row below 0", f"explain {F} flowers.csv --row -1", "1 to 60"),
    case("row too far", f"explain {F} flowers.csv --row 61", "1 to 60", "--row 60"),
    case("image too far", f"explain {B} bars --row 11", "image of bars from 1 to 10"),
    case("row as text", f"explain {F} flowers.csv --row one", "--row", "whole number"),
    case("no lines", f"explain {F} flowers.csv --top 0", "--top 0", "1 or more"),
    case(
        "unknown weight",
        f"explain {F} flowers.csv --weight dens1.weigth[0,0]",
        "dens1.weigth",
        "'dense1.weight', the nearest name",
    ),
    case(
        "entry too far",
        f"explain {F} flowers.csv --weight dense1.weight[0,99]",
        r"dense1.weight\[0,0\] to dense1.weight\[4,31\]",
        r"\[0,31\]",
    ),
    case("entry below 0", f"explain {F} flowers.csv --weight dense1.weight[0,-1]", "an entry from"),
    case("too few numbers", f"explain {F} flowers.csv --weight dense1.weight[3]", "an entry from"),
    case("entry as text", f"explain {F} flowers.csv --weight dense1.weight[a,b]", "an entry from"),
    case("open bracket", f"explain {F} flowers.csv --weight dense1.weight[0,0", "an entry from"),
    case(
        "a row it can't read",
        f"explain {F} bad.csv --row 2",
        "'length', row 2",
        "inf",
        bad__csv=ROWS.replace(LINES[1].split(",")[0], "inf", 1),
    ),
    case("a summary of nothing", "summary no.misstep", "no.misstep"),
    case("a summary of a record", "summary runs/flowers/record.jsonl", "misstep file"),
]


def test_the_names_differ() -> None:
    assert len({one.name for one in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_bad_input_is_told_clearly_and_touches_nothing(one: Case, run: Run, world: Path) -> None:
    for name, content in one.files.items():
        path = Path(name.replace(".slash.", "/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = hashes(world)
    if "fifo" in one.command:
        os.mkfifo("fifo")
    done = run(*(one.command.split() if isinstance(one.command, str) else one.command))
    if "fifo" in one.command:
        os.unlink("fifo")
    assert done.code == 2, done.said
    assert "Traceback" not in done.said
    message = done.err.strip().splitlines()[-1]
    assert message.startswith("misstep: ")
    assert message.endswith((".", "?"))
    for words in one.words:
        assert re.search(words, message), f"{words!r} is not in: {message}"
    assert hashes(world) == before


def test_a_folder_without_permission_is_told_before_training(
    run: Run, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who runs tests as root may write anywhere, so permission is taken away here.
    monkeypatch.setattr("os.access", lambda *words, **options: False)
    before = hashes(world)
    done = run("train", "flowers.csv", "--target", "kind", "--out", "locked/run")
    assert done.code == 2
    assert "permission to write" in done.err
    assert "Choices" not in done.out
    assert hashes(world) == before


def test_an_unexpected_error_is_an_apology(
    run: Run, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("misstep.cli.train_command.read_data", fail)
    done = run("train", "flowers.csv")
    assert done.code == 1
    assert done.err.count("\n") == 1
    for words in ("sorry", "KeyError", "a fault of ours", "MISSTEP_TRACEBACK=1"):
        assert words in done.err
    monkeypatch.setenv("MISSTEP_TRACEBACK", "1")
    assert "Traceback" in run("train", "flowers.csv").err


def test_too_little_memory_is_told(run: Run, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object) -> None:
        raise MemoryError

    monkeypatch.setattr("misstep.cli.train_command.read_data", fail)
    done = run("train", "flowers.csv")
    assert done.code == 2
    assert "memory" in done.err
