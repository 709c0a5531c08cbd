"""Model files that are cut, damaged or made by a stranger: an error in words, or an equal model.

Hypothesis looks for bytes that do harm; further cases are built with an honest sum of their
content, so that only what the file says is wrong with it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_world import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misstep.errors import FileFormatError
from misstep.modeling import load_model
from misstep.storage import read_container, write_container

FLOWERS = "runs/flowers/model.misstep"
IN_THE_WORLD = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def model(made_world: Path, tmp_path: Path) -> Path:
    """A copy of a sound model file."""
    path = tmp_path / "model.misstep"
    shutil.copy(made_world / FLOWERS, path)
    return path


def refused_or_equal(path: Path, sound: bytes, content: bytes) -> None:
    """Fail unless `content` is refused in words, or is the same model."""
    path.write_bytes(content)
    try:
        found = load_model(path)
    except FileFormatError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert str(path) in said
        return
    path.write_bytes(sound)
    wanted = load_model(path)
    np.testing.assert_array_equal(found.network.parameters, wanted.network.parameters)
    assert found.target == wanted.target
    assert found.facts == wanted.facts


@IN_THE_WORLD
@given(data=st.data())
def test_a_cut_file(model: Path, data: st.DataObject) -> None:
    sound = SOUND.setdefault(model, model.read_bytes())
    at = data.draw(st.integers(0, len(sound) - 1))
    refused_or_equal(model, sound, sound[:at])


@IN_THE_WORLD
@given(data=st.data())
def test_changed_bytes(model: Path, data: st.DataObject) -> None:
    sound = SOUND.setdefault(model, model.read_bytes())
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        # Half of the changes in the header, which is where a file says what it is.
        last = data.draw(st.sampled_from([min(3000, len(content) - 1), len(content) - 1]))
        content[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    refused_or_equal(model, sound, bytes(content))


@IN_THE_WORLD
@given(extra=st.binary(min_size=1, max_size=40), front=st.booleans())
def test_bytes_too_many(model: Path, extra: bytes, front: bool) -> None:
    sound = SOUND.setdefault(model, model.read_bytes())
    refused_or_equal(model, sound, extra + sound if front else sound + extra)


@IN_THE_WORLD
@given(content=st.binary(max_size=200))
def test_random_bytes(model: Path, content: bytes) -> None:
    sound = SOUND.setdefault(model, model.read_bytes())
    refused_or_equal(model, sound, content)


# The sound bytes of each test's file; reading them anew would read what the last example wrote.
SOUND: dict[Path, bytes] = {}


def header(length: int, text: bytes) -> bytes:
    return struct.pack("<Q", length) + text


DEEP = b'{"__metadata__":{"misstep":"' + b"[" * 200_000 + b'"}}'
NOT_OURS = {
    "nothing": b"",
    "a header longer than the file": header(1 << 40, b"{}"),
    "a header longer than memory": header((1 << 64) - 1, b"{}"),
    "no JSON": header(9, b"not JSON!"),
    "nested deeply": header(len(DEEP), DEEP),
    "only brackets": header(300_000, b"[" * 300_000),
    "another safetensors file": header(2, b"{}"),
    "huge arrays": (
        lambda text: header(len(text), text)  # shape and offsets that no file holds
    )(b'{"w":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,64]}}'),
    "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system",
}


@pytest.mark.parametrize("name", NOT_OURS)
@pytest.mark.parametrize("command", ["predict {} flowers.csv", "explain {} flowers.csv"])
def test_other_files_are_refused(name: str, command: str, run: Run, world: Path) -> None:
    Path("m").write_bytes(NOT_OURS[name])
    done = run(*command.format("m").split())
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("misstep: m: ")
    assert "Traceback" not in done.err


def test_a_model_of_safetensors_with_other_content(run: Run, world: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3, "float32")}, "other.safetensors")
    done = run("summary", "other.safetensors")
    assert done.code == 2
    assert "another kind of file" in done.err


def at(document: dict[str, Any], *path: Any) -> Any:
    for step in path:
        document = document[step]
    return document


def change(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        at(document, *path[:-1])[path[-1]] = value

    return apply


CHANGES = {
    "no network": lambda document: document.pop("network"),
    "a key too many": change(1, "more"),
    "a list as the network": change([], "network"),
    "an unknown layer": change({"kind": "os.system", "name": "x"}, "network"),
    "the wrong input shape": change([7], "input_shape"),
    "a huge input shape": change([10**15], "input_shape"),
    "a shape below 0": change([-5], "input_shape"),
    "no shape": change([], "input_shape"),
    "another dtype": change("object", "dtype"),
    "an unknown loss": change({"kind": "eval"}, "loss"),
    "text as preprocessing": change("table", "preprocessing"),
    "unknown preprocessing": change("pickle", "preprocessing", "kind"),
    "fewer columns": lambda document: document["preprocessing"]["parts"].pop(),
    "one class": change(["rose"], "target", "classes"),
    "more classes": change(["a", "b", "c", "d"], "target", "classes"),
    "a class twice": change(["a", "a", "b"], "target", "classes"),
    "another kind of target": change("number", "target", "kind"),
    "a scale of 0": change(0.0, "target", "scale"),
    "facts as a list": change([], "facts"),
    "a newer target": change(2, "target", "version"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_document_is_refused(name: str, model: Path) -> None:
    held = read_container(model, kind="model", newest=1)
    document = json.loads(json.dumps(held.document))
    CHANGES[name](document)
    # Written anew, so that sum and sizes are right.
    write_container(model, document, held.arrays, kind="model", version=1)
    with pytest.raises(FileFormatError, match=r"model\.misstep"):
        load_model(model)


@pytest.mark.parametrize(
    "arrays",
    [
        lambda held: {name: array[..., :-1] for name, array in held.items()},
        lambda held: {f"{name}x": array for name, array in held.items()},
        lambda held: {},
        lambda held: held | {"more": np.zeros(3, "float32")},
    ],
    ids=["narrower", "other names", "none", "one more"],
)
def test_changed_arrays_are_refused(arrays: Any, model: Path) -> None:
    held = read_container(model, kind="model", newest=1)
    write_container(model, held.document, arrays(held.arrays), kind="model", version=1)
    with pytest.raises(FileFormatError, match=r"model\.misstep"):
        load_model(model)


@pytest.mark.parametrize(("kind", "version"), [("checkpoint", 1), ("model", 2), ("model", 0)])
def test_another_kind_or_version_is_refused(kind: str, version: int, model: Path) -> None:
    held = read_container(model, kind="model", newest=1)
    write_container(model, held.document, held.arrays, kind=kind, version=version)
    with pytest.raises(FileFormatError):
        load_model(model)


def test_weights_that_are_not_numbers_do_no_harm(run: Run, world: Path) -> None:
    held = read_container(FLOWERS, kind="model", newest=1)
    arrays = {
        name: np.full_like(array, np.nan) if array.dtype.kind == "f" else array
        for name, array in held.arrays.items()
    }
    write_container("nan.misstep", held.document, arrays, kind="model", version=1)
    for words in ("predict", "explain"):
        done = run(words, "nan.misstep", "flowers.csv", "--json")
        assert done.code in (0, 2)
        assert "Traceback" not in done.said
        if done.code == 0:
            assert isinstance(done.json, dict)


@pytest.mark.parametrize("facts", [{"metrics": 3}, {"metrics": {"test": "x"}}, {"source": 7}, {}])
def test_strange_facts_do_no_harm(facts: dict[str, Any], run: Run, world: Path) -> None:
    held = read_container(FLOWERS, kind="model", newest=1)
    document = held.document | {"facts": facts}
    write_container("odd.misstep", document, held.arrays, kind="model", version=1)
    for words in ("predict odd.misstep flowers.csv", "summary odd.misstep --json"):
        done = run(*words.split())
        assert done.code in (0, 2)
        assert "Traceback" not in done.said


def test_reading_a_model_changes_nothing(run: Run, world: Path) -> None:
    before = hashlib.sha256(Path(FLOWERS).read_bytes()).hexdigest()
    for words in ("predict", "explain"):
        run(words, FLOWERS, "flowers.csv")
    run("summary", FLOWERS)
    assert hashlib.sha256(Path(FLOWERS).read_bytes()).hexdigest() == before
