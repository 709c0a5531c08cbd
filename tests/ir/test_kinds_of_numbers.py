"""Narrow kinds of number are read as wider ones that programs have; none changes what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from misstep.errors import DtypeError
from misstep.ir import as_array, evaluate, make_input
from misstep.nn import Dense, Network

NARROW = {
    "int8": "int64",
    "int16": "int64",
    "uint8": "int64",
    "uint16": "int64",
    "uint64": "int64",
    "float16": "float32",
}


@pytest.mark.parametrize("narrow", NARROW)
def test_narrow_numbers_are_read_as_wide_ones(narrow: str) -> None:
    kind: Any = np.finfo(narrow) if narrow == "float16" else np.iinfo(narrow)
    most = min(int(kind.max), 2**63 - 1)
    given = np.array([int(kind.min), 0, 3, most]).astype(narrow)
    read = as_array(given)
    assert read.dtype == NARROW[narrow]
    np.testing.assert_array_equal(read, given.astype(NARROW[narrow]))
    x = make_input("x", (4,), "float64")
    np.testing.assert_array_equal(evaluate([x + 0.0], {"x": given})[0], given.astype("float64"))


def test_guests_of_numpy_are_read() -> None:
    guests = pytest.importorskip("ml_dtypes", reason="bfloat16 comes with ml_dtypes")
    given = np.array([1.5, -3.0, 1e30], guests.bfloat16)
    read = as_array(given)
    assert read.dtype == "float32"
    np.testing.assert_array_equal(read, given.astype("float32"))


def test_a_whole_number_that_no_program_holds_is_refused() -> None:
    with pytest.raises(DtypeError, match=r"9,223,372,036,854,775,807"):
        as_array(np.array([2**63], "uint64"))


@pytest.mark.parametrize("narrow", ["int8", "uint16", "float16"])
def test_a_network_takes_them_as_rows(narrow: str) -> None:
    rows = np.arange(6).reshape(2, 3)
    network = Network(Dense(2), (3,))
    np.testing.assert_array_equal(
        network.predict(rows.astype(narrow)), network.predict(rows.astype("float32"))
    )
