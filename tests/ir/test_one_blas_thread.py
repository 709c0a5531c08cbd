"""Holding matrix products to one thread, from several threads at once."""

from __future__ import annotations

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from misstep.ir import one_blas_thread


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_the_limit_holds_until_the_last_one_leaves_and_is_then_gone() -> None:
    # The first to leave took the limit from the second, who then left it set for good.
    with threadpool_limits(limits=2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("the BLAS library of this machine runs on one thread only")
        both_inside, first_left = threading.Barrier(2), threading.Event()
        seen: list[set[int]] = []

        def first() -> None:
            with one_blas_thread():
                both_inside.wait()
            first_left.set()

        def second() -> None:
            with one_blas_thread():
                both_inside.wait()
                first_left.wait()
                seen.append(blas_threads())

        threads = [threading.Thread(target=one) for one in (first, second)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert seen == [{1}]
        assert blas_threads() == {2}
