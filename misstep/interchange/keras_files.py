"""Weights that Keras 3 wrote: `.weights.h5`, and `.keras` with such a file in it.

A file has a folder `vars` for each layer, numbered arrays in it, and names each layer by its kind
and a number. Read by the package h5py, where it is installed; only arrays of numbers are, and no
part of a `.keras` file that says how to build a model. Knows no layers of ours.
"""

from __future__ import annotations

import io
import re
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from misstep.errors import FileFormatError, MisstepError, StorageError
from misstep.interchange.foreign_weights import Group
from misstep.interchange.keras_layouts import NAMES

# The part of a .keras file that holds the weights.
MEMBER = "model.weights.h5"
# Compressed weights do not come to more than a few times their size; numbers hardly shrink.
MOST_GROWTH = 100
DEEPEST = 12
# Where the arrays of a layer stand, below it, in the order in which Keras keeps them.
_BELOW: dict[str, tuple[str, ...]] = {
    "SimpleRNN": ("cell",),
    "GRU": ("cell",),
    "LSTM": ("cell",),
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense"),
}
# What h5py raises for a file that is damaged, besides what it raises itself: its objects are other
# ones than expected.
DAMAGE = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError)

_BY_GATES = {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}


def snake_case(name: str) -> str:
    """Return a class's name as Keras has it in files: conv2d_transpose for Conv2DTranspose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


_KIND_OF = {snake_case(kind): kind for kind in NAMES}


def keras_groups(path: Path | str) -> list[Group]:
    """Return what a file has of each layer; keys are h5py's datasets, which are read when asked.

    Raises MisstepError without h5py, StorageError or FileFormatError for what is no such file.
    """
    place = Path(path)
    try:
        content: Any = io.BytesIO(place.read_bytes())
    except OSError as error:
        raise StorageError(f"reading {path}", got=(error.strerror or str(error)).lower()) from error
    try:
        if zipfile.is_zipfile(content):
            content = io.BytesIO(_member(content, place))
        content.seek(0)
        file = _h5py().File(content, "r")
        found: list[Group] = []
        _walk(file, "", found, 0)
    except MisstepError:
        raise
    except (*DAMAGE, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"{path}", needed="weights that Keras 3 wrote", got=str(error)[:200]
        ) from error
    if not found:
        raise FileFormatError(f"{path}", needed="weights that Keras 3 wrote", got="none")
    return sorted(found, key=lambda one: _numbers(one.label))


def _h5py() -> Any:
    try:
        return import_module("h5py")
    except ImportError as error:
        raise MisstepError(
            "reading a file of Keras",
            needed="the package h5py",
            got=str(error),
            try_="pip install h5py, or network.load_keras(model)",
        ) from error


def _member(content: io.BytesIO, place: Path) -> bytes:
    with zipfile.ZipFile(content) as archive:
        if MEMBER not in archive.namelist():
            raise FileFormatError(f"{place}", needed=f"{MEMBER} in it", got="none")
        size, whole = archive.getinfo(MEMBER).file_size, len(content.getbuffer())
        if size > MOST_GROWTH * whole:
            raise FileFormatError(
                f"{place}", needed="numbers", got=f"{size:,} bytes packed into {whole:,}"
            )
        return archive.read(MEMBER)


def _walk(folder: Any, label: str, found: list[Group], depth: int) -> None:
    if depth > DEEPEST or not hasattr(folder, "keys"):
        return
    for name in folder:
        inner = folder[name]
        own = f"{label}/{name}" if label else name
        kind = _KIND_OF.get(re.sub(r"_\d+$", "", name))
        if kind is None and name in ("forward_layer", "backward_layer"):
            kind = _recurrent_kind(inner)
        arrays = _arrays(inner, _BELOW.get(kind, ("",))) if kind else []
        if kind and arrays:
            named = dict(zip(NAMES[kind], arrays, strict=False))
            if len(named) != len(arrays):
                continue
            shapes = {one: tuple(array.shape) for one, array in named.items()}
            found.append(Group(own, shapes, dict(named), kind))
        else:
            _walk(inner, own, found, depth + 1)


def _recurrent_kind(folder: Any) -> str | None:
    """Return what kind of layer reads one way, by how many gates it has."""
    arrays = _arrays(folder, ("cell",))
    if len(arrays) < 2 or len(arrays[1].shape) != 2 or not arrays[1].shape[0]:
        return None
    return _BY_GATES.get(arrays[1].shape[1] // arrays[1].shape[0])


def _arrays(folder: Any, below: tuple[str, ...]) -> list[Any]:
    """Return the arrays of floating-point numbers of a layer in their order."""
    found: list[Any] = []
    for name in below:
        holder = folder.get(name) if name else folder
        inner = holder.get("vars") if hasattr(holder, "get") else None
        if inner is None or not hasattr(inner, "keys"):
            continue
        numbered = sorted((one for one in inner if one.isdecimal()), key=int)
        found += [inner[one] for one in numbered if inner[one].dtype.kind == "f"]
    return found


def _numbers(label: str) -> list[tuple[str, int]]:
    """Return what puts dense_2 before dense_10, dense before both, forwards before backwards."""
    found = []
    for one in label.split("/"):
        matched = re.fullmatch(r"(.*?)(?:_(\d+))?", one)
        assert matched is not None
        name = {"forward_layer": "a", "backward_layer": "b"}.get(one, matched[1])
        found.append((name, int(matched[2] or 0)))
    return found
