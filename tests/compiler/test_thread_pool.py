"""Thread pools that run native code, and the barriers they meet at."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from misstep.compiler.codegen import barrier
from misstep.compiler.codegen.barrier import CONTEXT_BYTES, write_barrier
from misstep.compiler.language.code import Code, Number
from misstep.compiler.runtime import thread_pool, workspace
from misstep.compiler.runtime.native import assembly, compile_module
from misstep.compiler.runtime.targets import aarch64_target, avx2_target, host_target
from misstep.compiler.runtime.thread_pool import (
    CALL_ARGUMENTS,
    CALL_RESULT,
    THREAD_POOL,
    ThreadPool,
)
from misstep.compiler.runtime.workspace import make_context, set_waiting
from misstep.errors import NotYetError

try:
    HOST = host_target()
except NotYetError as reason:
    pytest.skip(str(reason), allow_module_level=True)

CONTEXT, THREAD, THREADS = Number("%context", "ptr"), Number("%thread", "i64"), Number("%n", "i64")
LINE_WORDS = barrier.LINE // 8
FIRST_WORD = CONTEXT_BYTES // 8


# --- native code for pools ------------------------------------------------------------------------


def compiled(write, target=HOST):
    """Return a function for pools whose body `write` writes; it returns the status."""
    text = function_text(write, target)
    return compile_module(text, target).function("run", CALL_RESULT, *CALL_ARGUMENTS)


def function_text(write, target):
    code = Code()
    status = write(code, target)
    head = f"define i32 @run(ptr %context, i64 %thread, i64 %n) {target.function_attributes} {{"
    lines = [*sorted(code.declarations), head, "entry:", *code.lines, f"  ret {status}", "}"]
    return "\n".join(lines)


def word(code, number):
    """Return the address of a word behind the barrier's block."""
    at = number if isinstance(number, Number) else code.index(number)
    return code.address(CONTEXT, code.add(at, code.index(FIRST_WORD)), "i64")


def own_line(code, thread):
    return word(code, code.multiply(code.add(thread, code.index(1)), code.index(LINE_WORDS)))


def write_marks(code, target):
    """Each thread writes its number, plus 1, into its own line, and returns word 0."""
    code.store(code.add(THREAD, code.index(1)), own_line(code, THREAD))
    return code.convert(code.load(word(code, 0), "i64"), "i32")


def write_rounds(code, target):
    """In each of word 0 rounds, write the round to the own line and compare all after a barrier.

    Returns how often a line did not hold the round. The second barrier keeps the next round from
    beginning while somebody still compares.
    """
    rounds = code.load(word(code, 0), "i64")
    with code.loop(code.index(0), rounds, loop_carried=[code.index(0)]) as round_:
        code.store(round_.index, own_line(code, THREAD))
        write_barrier(code, CONTEXT, THREADS, target)
        with code.loop(code.index(0), THREADS, loop_carried=round_.values) as other:
            seen_round = code.load(own_line(code, other.index), "i64")
            wrong = code.convert(code.compare("ne", seen_round, round_.index), "i64", signed=False)
            other.next = [code.add(other.values[0], wrong)]
        write_barrier(code, CONTEXT, THREADS, target)
        round_.next = other.results
    return code.convert(round_.results[0], "i32")


def context_for(count, first_word):
    context = make_context(count, 8 * LINE_WORDS * (count + 1))
    context.view(np.int64)[FIRST_WORD] = first_word
    return context


def marks(context, count):
    return context.view(np.int64)[FIRST_WORD + LINE_WORDS :: LINE_WORDS][:count].tolist()


# --- pools ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_each_thread_does_its_share(count):
    function = compiled(write_marks)
    context = context_for(count, 0)
    for _ in range(3):
        context.view(np.int64)[FIRST_WORD + LINE_WORDS :] = 0
        assert THREAD_POOL.run(function, context.ctypes.data, count) == 0
        assert marks(context, count) == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_result_other_than_0_is_returned(count):
    context = context_for(count, -7)
    assert THREAD_POOL.run(compiled(write_marks), context.ctypes.data, count) == -7


def test_workers_stay_for_later_runs_and_leave_when_dismissed():
    pool = ThreadPool()
    context = context_for(4, 0)
    function = compiled(write_marks)
    assert not pool._idle
    for count in (2, 4, 3, 1, 4):
        pool.run(function, context.ctypes.data, count)
    assert len(pool._idle) == 3
    workers = list(pool._idle)
    assert all(worker.daemon and worker.is_alive() for worker in workers)
    pool.dismiss()
    assert not any(worker.is_alive() for worker in workers)
    assert pool.run(function, context.ctypes.data, 2) == 0


def test_what_is_of_the_wrong_kind_is_refused_before_any_thread_begins():
    pool = ThreadPool()
    function = compiled(write_marks)
    for context, count in ((1.5, 2), (0, 2.5), (0, "2")):
        with pytest.raises(TypeError):
            pool.run(function, context, count)
    assert not pool._idle


def test_fewer_threads_do_where_the_system_gives_no_more(monkeypatch):
    pool = ThreadPool()
    real = thread_pool._Worker.start

    def start(worker):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(worker)
        real(worker)

    started = []
    monkeypatch.setattr(thread_pool._Worker, "start", start)
    context = context_for(8, 2000)
    assert pool.run(compiled(write_rounds), context.ctypes.data, 8) == 0
    assert len(started) == len(pool._idle) == 2
    pool.dismiss()


def test_what_a_run_needs_lives_until_it_ends_and_no_longer():
    context = context_for(3, 0)
    watch = weakref.ref(context)
    THREAD_POOL.run(compiled(write_marks), context.ctypes.data, 3, context)
    del context
    for _ in range(100):
        gc.collect()
        if watch() is None:
            return
        time.sleep(0.02)
    pytest.fail("workers still hold what they were given")


def test_several_threads_of_python_run_pools_at_once():
    function = compiled(write_rounds)
    results = []

    def run(count):
        for _ in range(20):
            context = context_for(count, 50)
            results.append(THREAD_POOL.run(function, context.ctypes.data, count))

    runners = [threading.Thread(target=run, args=(count,)) for count in (2, 3, 2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(timeout=60)
    assert results == [0] * 60


# --- barriers -------------------------------------------------------------------------------------

# Two barriers a round. With more threads than cores, each takes microseconds.
ROUNDS = {1: 50_000, 2: 20_000, 3: 4_000, 4: 4_000, 8: 1_000}


@pytest.mark.parametrize("count", ROUNDS)
def test_nobody_passes_a_barrier_before_all_have_come(count):
    context = context_for(count, ROUNDS[count])
    assert THREAD_POOL.run(compiled(write_rounds), context.ctypes.data, count) == 0


SPINS, MOST_SPINS = barrier.SPINS_AT // 8, barrier.MOST_SPINS_AT // 8


@pytest.mark.parametrize("spins", [0, 1, 3, 10**9])
@pytest.mark.parametrize("count", [2, 3])
def test_each_way_of_waiting_works(spins, count):
    context = context_for(count, 30 if spins > 3 else 300)
    context.view(np.int64)[[SPINS, MOST_SPINS]] = spins
    assert THREAD_POOL.run(compiled(write_rounds), context.ctypes.data, count) == 0


def write_late(code, target):
    """Thread 0 comes word 0 steps later than the others to each of word 1 barriers."""
    late = code.select(
        code.equal(THREAD, code.index(0)), code.load(word(code, 0), "i64"), code.index(0)
    )
    with code.loop(code.index(0), code.load(word(code, 1), "i64")):
        with code.loop(code.index(0), late, loop_carried=[code.constant(1.0, "double")]) as step:
            half = code.constant(0.5, "double")
            step.next = [code.fma(step.values[0], half, half)]
        code.store(step.results[0], own_line(code, THREAD))
        write_barrier(code, CONTEXT, THREADS, target)
    return Number("0", "i32")


def test_who_spins_in_vain_spins_less_and_no_less_than_a_little():
    context = context_for(2, 200_000)
    words = context.view(np.int64)
    words[FIRST_WORD + 1] = 12
    words[[SPINS, MOST_SPINS]] = 1000
    function = compiled(write_late)
    THREAD_POOL.run(function, context.ctypes.data, 2)
    assert words[SPINS] < 1000
    words[FIRST_WORD + 1] = 100
    THREAD_POOL.run(function, context.ctypes.data, 2)
    assert barrier.FEWEST_SPINS <= words[SPINS] <= 1000
    words[SPINS], words[MOST_SPINS] = 0, 0
    THREAD_POOL.run(function, context.ctypes.data, 2)
    assert words[SPINS] == 0


def test_who_spins_with_success_spins_more_and_no_more_than_the_most():
    context = context_for(2, 0)
    words = context.view(np.int64)
    words[FIRST_WORD + 1] = 200
    words[SPINS], words[MOST_SPINS] = 10**8, 2 * 10**8
    THREAD_POOL.run(compiled(write_late), context.ctypes.data, 2)
    assert 10**8 < words[SPINS] <= 2 * 10**8


def test_who_never_spins_long_enough_tries_again():
    context = context_for(2, 20_000)
    words = context.view(np.int64)
    words[FIRST_WORD + 1] = 20 * barrier.TRIED_AGAIN_AFTER
    words[SPINS], words[MOST_SPINS] = barrier.FEWEST_SPINS, 10**8
    THREAD_POOL.run(compiled(write_late), context.ctypes.data, 2)
    assert words[SPINS] == 10**8


def test_a_context_serves_runs_with_other_numbers_of_threads():
    context = context_for(8, 100)
    function = compiled(write_rounds)
    for count in (2, 8, 1, 3, 2):
        set_waiting(context, count)
        assert THREAD_POOL.run(function, context.ctypes.data, count) == 0


def test_threads_sleep_at_once_where_cores_are_few(monkeypatch):
    monkeypatch.setattr(workspace, "usable_cores", lambda: 4)
    context = make_context(4)
    words = context.view(np.uint64)
    assert words[[SPINS, MOST_SPINS]].tolist() == [barrier.MOST_SPINS] * 2
    words[SPINS] = 77
    set_waiting(context, 4)
    assert words[SPINS] == 77, "what was learned is kept"
    set_waiting(context, 5)
    assert words[[SPINS, MOST_SPINS]].tolist() == [0, 0]


@pytest.mark.parametrize("more", [0, 1, 8, 1000])
def test_a_context_begins_on_a_line_of_its_own(more):
    context = make_context(2, more)
    assert context.ctypes.data % barrier.LINE == 0
    assert context.size == CONTEXT_BYTES + more
    assert not context[CONTEXT_BYTES:].any()


HOG = "while True: pass"


@pytest.mark.parametrize("count", [2, 4])
def test_threads_get_on_while_another_process_keeps_a_core_busy(count):
    """Crawling would be a time slice of the system, milliseconds, for each barrier."""
    hog = subprocess.Popen([sys.executable, "-c", HOG])
    try:
        context = context_for(count, 500)
        function = compiled(write_rounds)
        took = []
        for _ in range(3):
            start = time.perf_counter()
            assert THREAD_POOL.run(function, context.ctypes.data, count) == 0
            took.append(time.perf_counter() - start)
    finally:
        hog.kill()
        hog.wait()
    assert min(took) < 5  # 1,000 barriers, 5 ms each


def test_a_module_holds_one_barrier_however_often_it_is_written():
    def write(code, target):
        for _ in range(5):
            write_barrier(code, CONTEXT, THREADS, target)
        return Number("0", "i32")

    text = function_text(write, HOST)
    assert text.count("define internal void @misstep_barrier") == 1
    context = context_for(2, 0)
    assert THREAD_POOL.run(compiled(write), context.ctypes.data, 2) == 0


@pytest.mark.parametrize(
    ("target", "pause", "add"),
    [(avx2_target(), "pause", "lock"), (aarch64_target(), "yield", "ldaxr")],
    ids=lambda one: getattr(one, "name", one),
)
def test_barriers_are_generated_for_each_kind_of_processor(target, pause, add):
    text = assembly(function_text(write_rounds, target), target)
    assert pause in text
    assert add in text


# --- processes ------------------------------------------------------------------------------------


def run_python(code, timeout=60, **how):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    text = f"TEXT = {function_text(write_rounds, HOST)!r}\n{PREPARE}\n{code}"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **how,
    )


PREPARE = f"""
import os, signal, sys, threading, time
import numpy as np
from misstep.compiler.runtime.workspace import make_context
from misstep.compiler.runtime.native import compile_module
from misstep.compiler.runtime.targets import host_target
from misstep.compiler.runtime.thread_pool import THREAD_POOL, CALL_ARGUMENTS, CALL_RESULT
function = compile_module(TEXT, host_target()).function("run", CALL_RESULT, *CALL_ARGUMENTS)
def run(rounds, count):
    context = make_context(count, {8 * LINE_WORDS} * (count + 1))
    context.view(np.int64)[{FIRST_WORD}] = rounds
    return THREAD_POOL.run(function, context.ctypes.data, count, context)
"""


def test_a_child_process_has_a_crew_of_its_own():
    done = run_python(
        """
assert run(500, 3) == 0
for _ in range(3):
    child = os.fork()  # warns, where Python does, if workers were still there
    if not child:
        os._exit(run(500, 3) + 2 * run(500, 2))
    assert os.waitpid(child, 0)[1] == 0
    assert run(500, 3) == 0
print("well")
"""
    )
    assert (done.stdout, done.stderr) == ("well\n", "")


def test_a_child_made_while_a_crew_runs_is_not_held_up():
    done = run_python(
        """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # this very process has several threads
thread = threading.Thread(target=run, args=(20_000, 2))
thread.start()
for _ in range(5):
    child = os.fork()
    if not child:
        os._exit(run(200, 3))
    assert os.waitpid(child, 0)[1] == 0
thread.join()
print("well")
"""
    )
    assert (done.stdout, done.stderr) == ("well\n", "")


@pytest.mark.parametrize("busy", [False, True])
def test_a_process_ends_at_once_whatever_its_workers_do(busy):
    start = "threading.Thread(target=run, args=(2**40, 2), daemon=True).start(); time.sleep(0.1)"
    done = run_python(f"run(10, 4)\n{start if busy else ''}\nprint('bye')")
    assert (done.stdout, done.stderr, done.returncode) == ("bye\n", "", 0)


def test_an_interrupt_waits_for_the_run_and_is_raised():
    done = run_python(
        """
came = 0
for attempt in range(30):
    timer = threading.Timer(0.0005 * attempt, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        while True:
            assert run(300, 3) == 0
    except KeyboardInterrupt:
        came += 1
    timer.join()
    assert run(10, 3) == 0
print(came)
"""
    )
    assert (done.stdout, done.stderr) == ("30\n", "")
