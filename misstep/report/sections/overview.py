"""What was asked, what the data are, and what came of it beside what is simpler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from misstep.report.markup import Markup, joined, paragraph, table, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.text.counts import counted
from misstep.text.lists import shortened

# In words, what a network is for, by what --task calls it.
PURPOSES = {
    "classification": "to tell the classes of {} apart",
    "regression": "to predict {}, a number,",
    "forecast": "to forecast {}",
}

# Letters of the target's name, and of a head of the table, which may name a class.
LONGEST, LONGEST_HEAD = 80, 40


class Overview(Section):
    """What came of it, first of all."""

    slug: ClassVar[str] = "overview"
    title: ClassVar[str] = "What came of it"
    place: ClassVar[int] = 0

    def content(self, material: Material) -> Markup | None:
        """Return what was asked, the scores and what they mean."""
        if material.record is None and material.outcome is None:
            return None
        parts: list[Markup | None] = [_asked(material)]
        outcome = material.outcome
        scores = None if outcome is None else outcome.score_table()
        if outcome is not None and scores is not None:
            heads, rows = [shortened(head, LONGEST_HEAD) for head in scores[0]], scores[1]
            verdict = outcome.verdict()
            parts.append(_tiles(heads, rows, material))
            parts.append(tag("p", verdict, class_="verdict") if verdict else None)
            numbers = range(1, len(heads) - 1)
            parts.append(
                table(heads, rows, caption="Scores beside what is simpler", numbers=numbers)
            )
        elif outcome is not None:
            parts.append(paragraph("No rows were set apart to be judged on, so there is no score."))
        parts.append(_ended(material))
        notes = () if outcome is None else outcome.notes
        if notes:
            parts.append(tag("h3", "Noticed"))
            parts.append(tag("ul", *(tag("li", note) for note in notes)))
        return joined(parts)


def _tiles(heads: Sequence[str], rows: Sequence[Sequence[str]], material: Material) -> Markup:
    """Return the few figures that tell most, large."""
    who = [(row[0], row[1]) for row in rows[:3]]
    record = material.record
    if record is not None and record.description is not None:
        who.append(("parameters", f"{record.description.parameter_count:,}"))
    tiles = [
        tag("div", tag("strong", number), tag("span", words))
        for words, number in [(f"{heads[1]}, {who[0][0]}", who[0][1]), *who[1:]]
    ]
    return tag("div", *tiles, class_="tiles")


def _asked(material: Material) -> Markup:
    outcome, record = material.outcome, material.record
    if outcome is not None:
        purpose = PURPOSES.get(outcome.purpose, "{}").format(shortened(outcome.target, LONGEST))
        # What labels are called that bear no name of their own.
        purpose = purpose.replace("the classes of class apart", "classes apart")
        source = f" from {material.source}" if material.source else ""
        data = f" The data: {outcome.described}." if outcome.described else ""
        return paragraph(f"A network that learned {purpose}{source}.{data}".replace(",.", "."))
    described = None if record is None else record.description
    if described is None:
        return paragraph("A training of which only its numbers were written down.")
    answers, inputs = described.answers, described.inputs
    rows = "" if inputs is None else f" on {counted(inputs.rows, 'row')}"
    what = "numbers" if answers is None or answers.task.value == "numbers" else "classes"
    who = "" if described.framework == "misstep" else f" by {described.framework}"
    return paragraph(f"A network that was trained{who}{rows} to predict {what}.")


def _ended(material: Material) -> Markup | None:
    record = material.record
    if record is None:
        return None
    ends = [one for one in record.events if one["kind"] in ("finished", "stopped")]
    epochs = sum(not one.get("partial") for one in record.epochs)
    updates = record.steps["step"]
    done = [counted(epochs, "epoch")] if epochs else []
    done.append(counted(int(updates[-1]) if len(updates) else 0, "update"))
    why = str(ends[-1].get("words", "")) if ends else "its end is not written"
    words = f"Training took {' and '.join(done)}; {why}."
    finished = bool(ends) and ends[-1]["kind"] == "finished"
    return paragraph(f"{words}{_kept(material, epochs, finished)}")


def _kept(material: Material, epochs: int, finished: bool) -> str:
    """Return which weights the model has, where they are not those of the last epoch."""
    outcome, best = material.outcome, material.best_epoch
    if outcome is not None and outcome.horizon:
        if outcome.by_line:
            return " The line it started from was not clearly worse, so it is kept."
        anew = 0 if material.forecast is None else material.forecast.epochs
        if finished and anew:
            return f" Then it learned anew, in {counted(anew, 'epoch')}, with the newer rows too."
    if best is None or best == epochs:
        return ""
    return f" The weights are those of epoch {best:,}, the best one."
