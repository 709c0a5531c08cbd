"""Weights in safetensors files, read with suspicion; pickles, which can run code, are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from misstep.errors import DtypeError, FileFormatError, StorageError
from misstep.ir import Array
from misstep.storage import write_bytes
from misstep.storage.container import read_file

# How PyTorch's own files begin: a zip archive with a pickle in it, or a bare pickle.
PICKLES = (b"PK\x03\x04", b"\x80")
# NumPy's dtype of each kind of number, by safetensors' name; bfloat16 is read as the upper half of
# a float32.
_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def read_safetensors(path: Path | str) -> dict[str, Array]:
    """Return the arrays of floating-point numbers in a safetensors file by name, others left out.

    Raises StorageError for a file that can't be read, FileFormatError for one that is none.
    """
    from safetensors import SafetensorError, deserialize

    place = Path(path)
    _refuse_pickles(place)
    found: dict[str, Array] = {}
    try:
        for name, part in deserialize(read_file(place)):
            kind, data = part["dtype"], part["data"]
            if kind == "BF16":
                halves = np.frombuffer(data, "<u2").astype("uint32") << np.uint32(16)
                flat = halves.view("float32")
            elif kind in _FLOATS:
                little = np.frombuffer(data, _FLOATS[kind])
                flat = little.astype("float32" if kind == "F16" else little.dtype.newbyteorder("="))
            else:
                continue
            found[name] = flat.reshape(part["shape"])
    except (SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise FileFormatError(
            f"{path}", needed="a whole safetensors file", got=str(error)[:200]
        ) from error
    return found


def write_safetensors(path: Path | str, arrays: Mapping[str, Array]) -> None:
    """Write arrays to a safetensors file, whole or not at all. Raises StorageError."""
    from safetensors.numpy import save

    held = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(path, save(held, {"format": "pt"}))


def _refuse_pickles(path: Path) -> None:
    try:
        if path.exists() and not path.is_file():
            raise FileFormatError(f"{path}", needed="a file", got="a folder, pipe or device")
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise StorageError(
            f"reading {path}", needed="a file", got=(error.strerror or str(error)).lower()
        ) from error
    if start.startswith(PICKLES):
        raise FileFormatError(
            f"{path}",
            needed="weights in a safetensors file, which can only be numbers",
            got="a pickle, which can run code when it is opened",
            try_="in PyTorch: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')",
        )


def plain_array(name: str, given: object) -> Array:
    """Return a tensor of PyTorch, or an array, as NumPy's floats; half precision as float32.

    Raises DtypeError for other kinds of numbers, and for what is no dense tensor.
    """
    tensor = given
    if hasattr(tensor, "detach"):
        if getattr(tensor, "is_sparse", False) or getattr(tensor, "is_quantized", False):
            raise DtypeError(
                f"the tensor {name}", needed="dense numbers", got="sparse or quantized"
            )
        tensor = tensor.detach().cpu()
        if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
            tensor = tensor.float()
        tensor = tensor.numpy()
    array = np.asarray(tensor)
    if array.dtype.kind != "f":
        raise DtypeError(
            f"the tensor {name}", needed="floating-point numbers", got=str(array.dtype)
        )
    return array.astype("float32") if array.dtype.itemsize < 4 else array
