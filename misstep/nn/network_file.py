"""A network in one file: its layers as JSON, its numbers as arrays, no code.

What a network predicts, and from what, a model file knows (`modeling/model_file.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from misstep.errors import FileFormatError, MisstepError
from misstep.nn.building import build_module
from misstep.nn.module import Module
from misstep.nn.network import Network
from misstep.nn.tracing import limited_rows
from misstep.storage import read_container, write_container

__all__ = ["load_network", "save_network"]

KIND, VERSION = "network", 1
# What one row may take on its way, in numbers: 4 GB, as of a model file.
MOST_NUMBERS = 10**9
FIELDS = {"network", "input_shape", "dtype", "frozen"}


def save_network(network: Network, path: Path | str) -> None:
    """Write a network into one file, whole or not at all; the same network gives the same bytes.

    Raises StorageError; an earlier file is then as it was.
    """
    document = {
        "network": network.module.configuration(),
        "input_shape": list(network.input_shape),
        "dtype": network.dtype,
        "frozen": list(network.frozen),
    }
    write_container(path, document, dict(network.arrays()), kind=KIND, version=VERSION)


def load_network(path: Path | str, modules: Iterable[type[Module]] = ()) -> Network:
    """Return the network in the file at `path`, as `save_network` wrote it.

    `modules`: a person's own kinds of module that it may hold. Opening a file never runs code from
    it. Raises StorageError or FileFormatError.

    >>> import misstep as ms
    >>> network = ms.Network(ms.Sequential(ms.Dense(3), ms.ReLU(), ms.Dense(1)), input_shape=(2,))
    >>> ms.nn.save_network(network, "network.misstep")
    >>> again = ms.nn.load_network("network.misstep")
    >>> bool((again.predict([[1.0, 2.0]]) == network.predict([[1.0, 2.0]])).all())
    True
    """
    container = read_container(path, kind=KIND, newest=VERSION)
    document = container.document
    try:
        shape = document.get("input_shape")
        good = (
            set(document) == FIELDS
            and isinstance(shape, list)
            and len(shape) <= 8
            and all(type(size) is int and size > 0 for size in shape)
            and isinstance(document["dtype"], str)
            and isinstance(document["frozen"], list)
            and all(isinstance(name, str) for name in document["frozen"])
        )
        if not good:
            raise FileFormatError(f"{path}", needed="layers, the shape of a row and its numbers")
        assert isinstance(shape, list)
        with limited_rows(MOST_NUMBERS):
            module = build_module(document["network"], modules)
            network = Network(
                module, tuple(shape), dtype=document["dtype"], arrays=container.arrays
            )
        for name, array in network.arrays().items():
            if not np.isfinite(array).all():
                raise FileFormatError(f"{path}: {name}", needed="finite numbers", got="others")
        if document["frozen"]:
            network.freeze(*document["frozen"])
        return network
    except MisstepError as error:
        if isinstance(error, FileFormatError) and str(path) in str(error):
            raise
        raise FileFormatError(
            f"{path}: {error.which}", needed=error.needed, got=error.got, try_=error.try_
        ) from error
    except (
        TypeError,
        ValueError,
        LookupError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise FileFormatError(f"{path}", needed="a network", got=str(error)[:300]) from error
