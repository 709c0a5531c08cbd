"""Ranks that are processes of MPI: how sums travel, how they wait, and how a lost one is noticed.

mpi4py carries every byte. All waiting is here: it yields the processor, and looks now and then
whether those waited for are still there. Needs the extra `mpi`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from misstep.exchange.presence import PRESENCE_EVERY, Heartbeat, Place, gone, own_place
from misstep.exchange.ranks import Array, LostRankError, Ranks

# Bytes from which halves are exchanged and put together again: it moves 2 (1 − 1 / ranks) times the
# array instead of log2(ranks) times, in twice the messages. The additions are the same ones.
HALVED = 1 << 15
# Looks at a message that has not come before the processor is given away, and how long then; the
# pause grows, to a limit that is small beside a step's work. Who sleeps is woken at once, where who
# yields waits for the turns of all others, which on a busy machine takes many times as long.
SPINS = 200
FIRST_PAUSE, LONGEST_PAUSE = 20e-6, 200e-6
# Seconds that what a rank sent before it left may still be on its way.
ON_THE_WAY = 2.0
# Seconds in which others look who is gone, before this one is.
GRACE = 0.1
# Seconds between two looks whether all are at their end.
LAST_PAUSE = 5e-3
# The setting of Open MPI by which a lost rank is an error that can be told, not the end.
SURVIVES = "OMPI_MCA_mpi_ft_enable"
_TAG_SUM, _TAG_TREE, _TAG_LEFT = 1, 2, 3


def join() -> Ranks:
    """Return the ranks that this process is one of; called once."""
    import mpi4py

    mpi4py.rc.thread_level = "multiple"
    # Else Open MPI ends a rank without a word when the wire to another one is closed.
    os.environ.setdefault(SURVIVES, "1")
    from mpi4py import MPI

    ranks = MpiRanks(MPI)
    _end_all_on_error(ranks)
    return ranks


class MpiRanks(Ranks):
    """The ranks of MPI's world. `MPI`: the module of mpi4py."""

    def __init__(self, MPI: Any) -> None:
        self._mpi = MPI
        self._communicator = MPI.COMM_WORLD.Dup()
        self._communicator.Set_errhandler(MPI.ERRORS_RETURN)
        self.rank, self.size = self._communicator.rank, self._communicator.size
        self._farewells = MPI.COMM_WORLD.Dup()
        self._farewells.Set_errhandler(MPI.ERRORS_RETURN)
        self._left: dict[int, float] = {}
        self._rooms: dict[tuple[int, str], Array] = {}
        self._places: list[Place] = []
        self._heartbeat: Heartbeat | None = None
        # Whether to end without the others, and how.
        self.lost, self._code = False, 1
        if self.size > 1:
            self._places = [Place(*one) for one in self.gathered(list(own_place()))]
            host = self._places[self.rank].host
            self.on_this_host = sum(one.host == host for one in self._places)
            if MPI.Query_thread() >= MPI.THREAD_MULTIPLE and self.on_this_host < self.size:
                self._heartbeat = Heartbeat(MPI, self._communicator.Dup())

    # --- what all say -----------------------------------------------------------------------------

    def gathered(self, document: Any) -> list[Any]:
        if self.size == 1:
            return [document]
        own = np.frombuffer(json.dumps(document).encode(), np.uint8)
        lengths = np.zeros(self.size, np.int64)
        length = np.array([own.size], np.int64)
        self._wait(lambda: self._communicator.Iallgather(length, lengths))
        whole = np.empty(int(lengths.sum()), np.uint8)
        self._wait(lambda: self._communicator.Iallgatherv(own, [whole, lengths.tolist()]))
        pieces = np.split(whole, np.cumsum(lengths)[:-1])
        return [json.loads(piece.tobytes()) for piece in pieces]

    def minimum(self, numbers: Sequence[int]) -> list[int]:
        if self.size == 1:
            return list(numbers)
        own, least = np.array(numbers, np.int64), np.empty(len(numbers), np.int64)
        self._wait(lambda: self._communicator.Iallreduce(own, least, op=self._mpi.MIN))
        return [int(number) for number in least]

    def from_first(self, document: Any) -> Any:
        if self.size == 1:
            return document
        text = json.dumps(document).encode() if self.is_first else b""
        length = np.array([len(text)], np.int64)
        self.copy_from_first(length)
        told = np.frombuffer(text, np.uint8).copy() if text else np.empty(int(length[0]), np.uint8)
        self.copy_from_first(told)
        return json.loads(told.tobytes())

    def arrays_from_first(self, arrays: dict[str, Array] | None) -> dict[str, Array]:
        shapes = (
            []
            if arrays is None
            else [[name, array.shape, array.dtype.name] for name, array in arrays.items()]
        )
        told = self.from_first(shapes)
        if self.is_first:
            assert arrays is not None
            received = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        else:
            received = {name: np.empty(shape, dtype) for name, shape, dtype in told}
        for array in received.values():
            if array.size:
                self.copy_from_first(array.reshape(-1))
        return received

    def joined(self, own: Array, counts: Sequence[int]) -> Array:
        if self.size == 1:
            return own
        own = np.ascontiguousarray(own)
        whole = np.empty((sum(counts), *own.shape[1:]), own.dtype)
        size = whole[:1].nbytes if len(whole) else 0
        # Bytes, whatever they mean.
        sent, into = (one.reshape(-1).view(np.uint8) for one in (own, whole))
        lengths = [count * size for count in counts]
        self._wait(lambda: self._communicator.Iallgatherv(sent, [into, lengths]))
        return whole

    # --- sums -------------------------------------------------------------------------------------

    def add_up(self, own: Array) -> None:
        if self.size == 1:
            return
        if own.nbytes < HALVED or own.size < self.size:
            self._double(own)
        else:
            self._halve(own)

    def _double(self, own: Array) -> None:
        """Exchange the whole with a partner at distance 1, 2, 4 …, and add it."""
        room, bit = self._room(own), 1
        while bit < self.size:
            self._exchange(self.rank ^ bit, own, room)
            np.add(own, room, out=own)
            bit *= 2

    def _halve(self, own: Array) -> None:
        """Add up ever smaller parts with partners at distance 1, 2, 4 …; then put them together."""
        start, stop, bit = 0, own.size, 1
        room = self._room(own)
        parts: list[tuple[int, int, int]] = []
        while bit < self.size:
            middle = (start + stop) // 2
            parts.append((start, middle, stop))
            kept, given = (start, middle), (middle, stop)
            if self.rank & bit:
                kept, given = given, kept
            part = room[kept[0] : kept[1]]
            self._exchange(self.rank ^ bit, own[given[0] : given[1]], part)
            np.add(own[kept[0] : kept[1]], part, out=own[kept[0] : kept[1]])
            start, stop = kept
            bit *= 2
        for start, middle, stop in reversed(parts):
            bit //= 2
            kept, given = (start, middle), (middle, stop)
            if self.rank & bit:
                kept, given = given, kept
            self._exchange(self.rank ^ bit, own[kept[0] : kept[1]], own[given[0] : given[1]])

    def _room(self, like: Array) -> Array:
        """Return memory for what a partner sends, kept from one sum to the next."""
        key = like.size, like.dtype.name
        if key not in self._rooms:
            self._rooms[key] = np.empty_like(like)
        return self._rooms[key]

    def _exchange(self, partner: int, sent: Array, into: Array) -> None:
        communicator = self._communicator
        received = self._started(lambda: communicator.Irecv(into, partner, _TAG_SUM))
        given = self._started(lambda: communicator.Isend(sent, partner, _TAG_SUM))
        self._until(received)
        self._until(given)

    def send(self, to: int, array: Array) -> None:
        self._wait(lambda: self._communicator.Isend(array, to, _TAG_TREE))

    def receive(self, sender: int, into: Array) -> None:
        self._wait(lambda: self._communicator.Irecv(into, sender, _TAG_TREE))

    def copy_from_first(self, array: Array) -> None:
        if self.size > 1:
            self._wait(lambda: self._communicator.Ibcast(array, 0))

    # --- waiting ----------------------------------------------------------------------------------

    def _wait(self, start: Callable[[], Any]) -> None:
        self._until(self._started(start))

    def _started(self, start: Callable[[], Any]) -> Any:
        try:
            return start()
        except self._mpi.Exception as error:
            raise self._lost(str(error)) from error

    def _until(self, request: Any) -> None:
        """Return once a message is through. Raises LostRankError where a rank is gone."""
        spins, pause = 0, FIRST_PAUSE
        looked = 0.0
        try:
            while not request.Test():
                spins += 1
                if spins < SPINS:
                    continue
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
                now = time.monotonic()
                if now - looked > PRESENCE_EVERY:
                    looked = now
                    self._look_for_all()
        except self._mpi.Exception as error:
            raise self._lost(str(error)) from error

    def _look_for_all(self) -> None:
        """Raise LostRankError where a rank is gone."""
        for rank in gone(self._places, self.rank):
            raise self._lost("its process has ended", rank)
        for rank in range(self.size):
            if rank not in self._left and self._farewells.Iprobe(rank, _TAG_LEFT):
                self._left[rank] = time.monotonic()
        for rank, since in self._left.items():
            if time.monotonic() - since > ON_THE_WAY:
                raise self._lost("its program is at its end", rank)
        if self._heartbeat is not None and self._heartbeat.silent is not None:
            raise self._lost("nothing was heard of it", self._heartbeat.silent)

    def _lost(self, reason: str, rank: int | None = None) -> LostRankError:
        """Return what to raise where a rank is gone, which is named where it can be told."""
        if rank is None:  # what MPI says does not name it; its process does, or the closed wire
            rank = next(gone(self._places, self.rank), None)
            failed = [] if rank is not None else self._failed()
            if failed:
                rank, reason = failed[0], "it ended, or the wire to it did"
        self.lost = True
        if rank is None:
            which = f"another rank than {self.rank}"
        else:
            place = self._places[rank]
            which = f"rank {rank} (process {place.process} on {place.host_name})"
        return LostRankError(
            f"training on {self.size} ranks",
            needed="all of them until the end",
            got=f"{which} is gone: {reason}",
            try_="the same again with resume, on any number of ranks: it goes on from its latest "
            "checkpoint",
        )

    def _failed(self) -> list[int]:
        """Return the ranks of which MPI knows that they are gone."""
        try:
            failed = self._communicator.Get_failed()
            numbers = failed.Translate_ranks(group=self._communicator.Get_group())
            return [int(number) for number in numbers]
        except (AttributeError, NotImplementedError, self._mpi.Exception):
            return []  # an MPI that does not tell

    def end_if_lost(self) -> None:
        """Say who is gone, and end, where somebody is: for who is asked by a signal to end.

        A launcher that notices a dead process asks the others to end, and makes them a fifth of a
        second later.
        """
        rank = next(gone(self._places, self.rank), None)
        if rank is None:
            return
        words = str(self._lost("its process has ended", rank))
        with contextlib.suppress(OSError):
            os.write(2, f"misstep: rank {self.rank}: {words}\n".encode())
        # The others are looking, too, and are not to find that this one is gone.
        time.sleep(GRACE)
        os._exit(1)

    def leave(self, code: int) -> None:
        """Let this process end with an exit code and without waiting for others."""
        if self.size > 1:
            self.lost, self._code = True, code

    def at_exit(self) -> None:
        """Say farewell before MPI's own end, which waits for all; end at once where it can't be."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self.lost:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(self._code)
        word = np.zeros(1, np.uint8)
        with contextlib.suppress(self._mpi.Exception):
            requests = [
                self._farewells.Isend(word, rank, _TAG_LEFT)
                for rank in range(self.size)
                if rank != self.rank
            ]
            self._kept = word, requests
            # MPI's own end waits, too, but takes a whole core for it.
            together = self._farewells.Ibarrier()
            while not together.Test():
                time.sleep(LAST_PAUSE)
                if any(True for _ in gone(self._places, self.rank)) and not together.Test():
                    os._exit(1)  # one that needed no farewell has ended by an error


def _end_all_on_error(ranks: MpiRanks) -> None:
    """Let no rank wait at its end for others that do not come.

    MPI's own end waits for all. So a rank that ends by an error, or lost another one, leaves
    without: the launcher, and those who wait for it, notice.
    """
    if ranks.size == 1:
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        ranks.lost = True
        before(kind, error, trace)

    sys.excepthook = hook

    atexit.register(ranks.at_exit)
    _take_signal(ranks)


def _take_signal(ranks: MpiRanks) -> None:
    """Look who is gone when asked to end, where nobody has other plans for the signal."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def asked(number: int, frame: Any) -> None:
        ranks.end_if_lost()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    ranks.at_signal = asked
    signal.signal(signal.SIGTERM, asked)
