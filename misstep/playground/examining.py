"""`Examination`: what is written down of a training as it goes by, and what the doctor says of it.

A record in memory, of the updates up to where training stands: going back takes it back too. Looks
into the layers come at fixed updates, ever more seldom, so that what is found depends on the way
alone. Knows a timeline and the doctor; no page.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from misstep.doctor import Diagnosis, Finding, Severity, examine
from misstep.playground.curves import Curves
from misstep.playground.frame import next_batch
from misstep.playground.timeline import Timeline
from misstep.record import Record, RecordWriter, RunDescription
from misstep.train import Provenance, Trainer
from misstep.train.fork import copied
from misstep.train.journal import Call, Moment
from misstep.train.looks import LookPlan, Looks
from misstep.train.provenance import provenance_of

__all__ = ["Examination"]

# Updates between two looks at first; looks, and epochs, that are kept until every second one is
# forgotten.
EVERY, MOST_LOOKS, MOST_EPOCHS = 5, 60, 120
# What training came to is judged, as if it ended now, from so many updates and epochs on; before,
# nobody could know.
LEAST_UPDATES, LEAST_EPOCHS = 200, 10
# Updates that a number which is not finite can stay unnoticed: one is the rule.
MOST_BACK = 50
# What going on would mend is told where it is critical: going on is what a playground is for.
PATIENCE = (
    "too-few-epochs",
    "wrong-optimizer",
    "learning-rate-too-low",
    "slow-learning",
    "batch-too-large",
)
# An examination may take this share of the time, where it is throttled.
SHARE = 0.1

Measures = dict[tuple[str, str], float]


@dataclass
class Examination:
    """Looks and epochs of a timeline so far. `curves`: where losses on held-out rows come from."""

    timeline: Timeline
    curves: Curves
    every: int = EVERY
    _looks: dict[int, Measures] = field(default_factory=dict)
    _epochs: dict[int, tuple[int, dict[str, float]]] = field(default_factory=dict)
    _epoch_stride: int = 1
    _looker: tuple[object, Looks] | None = None
    # After how many updates it was made, whether the next one was known to fail, what was found.
    _latest: tuple[int, bool, Diagnosis] | None = None
    _next: float = 0.0
    _origin: tuple[int, Provenance | None] | None = None
    _described: tuple[Trainer, RunDescription] | None = None

    # --- as training goes -------------------------------------------------------------------------

    def before(self) -> bool:
        """Look, where it is time; tell whether the next update must be taken alone."""
        update = self.timeline.update
        if update % self.every or update in self._looks:
            return False
        self._looks_of_now().look(self.timeline.state)
        return True

    def until_next(self) -> int:
        """Return how many updates there are to where something is to be written down."""
        timeline = self.timeline
        batches = timeline.fork.batches * self._epoch_stride
        done = timeline.state.epoch % self._epoch_stride * timeline.fork.batches
        to_epoch = batches - done - timeline.state.batch
        return min(self.every - timeline.update % self.every, max(to_epoch, 1))

    def after(self) -> None:
        """Write down what was seen, once the update behind a look is done, and the epoch."""
        timeline = self.timeline
        if self._looker is not None and (seen := self._looker[1].measures(timeline.state)):
            self._looks[seen[0]] = seen[1]
            while len(self._looks) > MOST_LOOKS:
                self.every *= 2
                self._looks = {at: one for at, one in self._looks.items() if at % self.every == 0}
        state = timeline.state
        ended = state.update > 0 and state.batch == 0
        if not ended or state.epoch in self._epochs or state.epoch % self._epoch_stride:
            return
        loss = timeline.epoch_loss
        if not math.isfinite(loss):
            return
        self._epochs[state.epoch] = state.update, self._values(loss)
        while len(self._epochs) > MOST_EPOCHS:
            self._epoch_stride *= 2
            self._epochs = {
                at: one for at, one in self._epochs.items() if at % self._epoch_stride == 0
            }

    def changed(self) -> None:
        """Forget what was seen from here on, where settings have become others.

        An epoch that ended here did so, but is judged by the network as it is now.
        """
        update = self.timeline.update
        ended = [at for at, one in self._epochs.items() if one[0] == update]
        losses = {at: self._epochs[at][1]["training_loss"] for at in ended}
        self._looks = {at: one for at, one in self._looks.items() if at < update}
        self._epochs = {at: one for at, one in self._epochs.items() if one[0] < update}
        self._epochs |= {at: (update, self._values(loss)) for at, loss in losses.items()}
        self._latest, self._looker, self._origin = None, None, None

    def _looks_of_now(self) -> Looks:
        """Return what looks by the programs of now."""
        timeline = self.timeline
        programs = timeline.fork.stepper.programs
        if self._looker is None or self._looker[0] is not programs:
            plan = LookPlan(0, compiling=False)
            looks = Looks(programs, timeline.fork.rows, plan, timeline.fork.seed, 1)
            looks.begin(timeline.first, resumed=False)
            self._looker = programs, looks
        return self._looker[1]

    def _values(self, loss: float) -> dict[str, float]:
        """Return the numbers of an epoch."""
        timeline = self.timeline
        moment = self.curves.measure(timeline.trainer.network, timeline.state)
        score = timeline.problem.loss.score_name
        return {
            "training_loss": loss,
            "learning_rate": timeline.settings.learning_rate,
            "validation_loss": moment.held_out_loss,
            f"validation_{score}": moment.held_out_score,
        }

    # --- what is found ----------------------------------------------------------------------------

    def diagnosis(self, *, throttled: bool = False) -> Diagnosis:
        """Return what the doctor says of the training up to now.

        `throttled`: what was said of another moment serves, where too little time has passed.
        """
        now, latest = time.perf_counter(), self._latest
        moment = self.timeline.update, self.timeline.failed
        if latest is not None and (latest[:2] == moment or (throttled and now < self._next)):
            return latest[2]
        found = examine(self.record())
        kept = [one for one in found.findings if not _is_patience(one)]
        found = replace(found, findings=kept, seconds=time.perf_counter() - now)
        self._latest = self.timeline.update, self.timeline.failed, found
        self._next = time.perf_counter() + found.seconds / SHARE
        return found

    @property
    def examined_at(self) -> int:
        """Return after how many updates the latest diagnosis was made."""
        return self.timeline.update if self._latest is None else self._latest[0]

    @property
    def judges_end(self) -> bool:
        """Return whether training has gone far enough for what it came to to be judged."""
        timeline = self.timeline
        long = timeline.update >= LEAST_UPDATES and timeline.state.epoch >= LEAST_EPOCHS
        return long or timeline.failed

    def record(self) -> Record:
        """Return the record of the training up to now, as `Trainer.fit` would write it."""
        timeline, state = self.timeline, self.timeline.state
        described = self._description()
        per_epoch = max(described.updates_per_epoch, 1)
        with RecordWriter(None, {}) as writer:
            planned = max(-(-timeline.update // per_epoch), 1)
            writer.describe(replace(described, epochs=planned))
            losses, rates = timeline.losses, timeline.learning_rates
            if timeline.failed:
                # The loss of the update that could not be done.
                losses = np.append(losses, math.nan)
                rates = np.append(rates, timeline.settings.learning_rate)
            if len(losses):
                writer.steps(1, losses, rates)
            for at, seen in sorted(self._looks.items()):
                if at <= timeline.update:
                    writer.measures(at, seen)
            if timeline.update not in self._looks:
                writer.measures(timeline.update, self._looks_of_now().measured(state))
            for number, (at, values) in sorted(self._epochs.items()):
                if at <= timeline.update:
                    writer.epoch(number, at, values)
            if state.batch:
                loss = state.mean_loss
                partial = self._values(loss)
                writer.epoch(state.epoch + 1, timeline.update, partial, partial=True)
            self._write_end(writer)
            return writer.record

    def origin(self) -> Provenance | None:
        """Return where the first number came from that is not finite, once training has failed.

        Training goes back to before it for that, and forth again. None where nobody can tell.
        """
        timeline, end = self.timeline, self.timeline.update
        if not timeline.failed:
            return None
        if self._origin is None or self._origin[0] != end:
            try:
                self._origin = end, self._found_origin()
            finally:
                timeline.seek(end)
        return self._origin[1]

    def _found_origin(self) -> Provenance | None:
        timeline = self.timeline
        for _ in range(MOST_BACK):
            if all(np.isfinite(one).all() for one in timeline.state.arrays().values()):
                break
            if timeline.update == 0:
                return None
            timeline.seek(timeline.update - 1)
        state = copied(timeline.state)
        rates = np.array([timeline.settings.learning_rate])
        call = Call("update", next_batch(timeline), rates, 1, state.update, state.draw)
        found = provenance_of(timeline.fork.stepper, Moment(state, call), mixing=False)
        # Layers are made here, not on a line of a person's own.
        return None if found is None else replace(found, location=None)

    def _write_end(self, writer: RecordWriter) -> None:
        timeline = self.timeline
        if timeline.failed:
            origin = self.origin()
            if origin is not None:
                writer.event("provenance", str(origin), **origin.facts())
            facts: dict[str, Any] = {
                "cause": "loss_not_finite",
                "loss": math.nan,
                "update": timeline.update + 1,
                "learning_rate": timeline.settings.learning_rate,
            }
            words = f"the loss of update {timeline.update + 1} is no finite number"
            writer.event("stopped", words, step=timeline.update + 1, facts=facts)
        elif self.judges_end:
            facts = {"cause": "epochs_done"}
            words = "judged as if it had been planned to end here"
            writer.event("finished", words, step=timeline.update, facts=facts)

    def _description(self) -> RunDescription:
        """Return what the training says of itself, with the settings of now."""
        timeline, problem = self.timeline, self.timeline.problem
        if self._described is not None and self._described[0] is timeline.trainer:
            return self._described[1]
        fresh = timeline.trainer.variant()
        fresh.network.parameters = np.array(timeline.first.parameters)
        fresh.network.buffers = np.array(timeline.first.buffers)
        held_out = problem.held_out
        record = fresh.start_record(
            problem.train.x,
            problem.train.y,
            validation=(held_out.x, held_out.y, held_out.weights),
            sample_weight=problem.train.weights,
            epochs=1,
        )
        assert record.description is not None
        self._described = timeline.trainer, record.description
        return record.description


def _is_patience(finding: Finding) -> bool:
    return finding.slug in PATIENCE and finding.severity is not Severity.CRITICAL
