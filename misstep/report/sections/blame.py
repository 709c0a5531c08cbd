"""Whom mistakes are blamed on: the backward pass drawn, neurons, weights, one chain rule."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from misstep.errors import ArgumentError
from misstep.modeling import Blame, Mistake, Model, blame_of
from misstep.modeling.judgment.next_updates import NextUpdate
from misstep.report.blame_drawing import blame_drawing, short_figure
from misstep.report.data_pictures import row_picture
from misstep.report.markup import Markup, figure, folded, joined, paragraph, table, tag
from misstep.report.material import Material
from misstep.report.section import Section
from misstep.report.weight_rules import chain_rule_of_mistake
from misstep.text.counts import counted
from misstep.text.figures import percent, some_figures, three_figures, true_minus
from misstep.text.lists import shortened
from misstep.train import Trainer

# Mistakes whose backward pass is drawn, and neurons and weights in the tables of each.
MOST_MISTAKES, MOST_NEURONS, MOST_WEIGHTS = 3, 6, 5
# Letters of a class.
LONGEST_LABEL = 40
# Multiply-adds of a row that are paid for, all mistakes together: a backward pass with its neurons
# takes 0.4 s for 17 million of them.
WORK = 21_000_000


class WhoIsBlamed(Section):
    """The backward pass of the worst mistakes."""

    slug: ClassVar[str] = "blame"
    title: ClassVar[str] = "Who is blamed"
    place: ClassVar[int] = 72

    def content(self, material: Material) -> Markup | None:
        """Return a drawing and tables for each mistake; None without rows to judge by."""
        model, mistakes = material.model, material.mistakes
        if not isinstance(model, Model) or mistakes is None:
            return None
        trainer = None if material.result is None else material.result.trainer
        work = max(sum(model.network.operations.values()), 1)
        most = int(np.clip(WORK // work, 1, MOST_MISTAKES))
        worst = mistakes.worst[:most]
        if not worst:
            return None
        try:
            rate = _rate(material)
            parts = [_one(model, mistake, trainer, rate) for mistake in worst]
        except ArgumentError as error:
            return paragraph(f"Not drawn: {error}", quiet=True)
        return joined(
            [
                paragraph(
                    "Learning hands each mistake back through the network: every layer is told by "
                    "how much each of its units made the loss larger, and hands that on, times its "
                    "weights, to the layer before. This is that backward pass for single rows."
                ),
                tag("div", *parts, data_choose="mistake"),
            ]
        )


def _rate(material: Material) -> float | None:
    """Return the rate that the run began with; None where no record says it."""
    described = None if material.record is None else material.record.description
    return None if described is None else described.optimizer.learning_rate


def _one(model: Model, mistake: Mistake, trainer: Trainer | None, rate: float | None) -> Markup:
    blame = blame_of(*(model, mistake.features, mistake.truth), trainer=trainer, learning_rate=rate)
    name = f"{mistake.name}: {_verdict(mistake)}"
    notes = " ".join(f"{note[:1].upper()}{note[1:]}." for note in blame.notes)
    caption = (
        f"From right to left. The larger a triangle, the larger its gradient beside those of its "
        f"layer; the wider a line, the more is handed back along it. {notes}"
    )
    return tag(
        "div",
        tag("h3", name),
        row_picture(mistake.data, 0, name),
        figure(blame_drawing(blame, mistake, model), caption),
        tag(
            "div",
            _neurons(blame),
            *(_update(update, mistake) for update in blame.updates),
            class_="tables",
        ),
        _chain_rule(model, mistake, blame),
        data_name=name,
    )


def _verdict(mistake: Mistake) -> str:
    if mistake.off is not None:
        said, right = some_figures(mistake.predicted, 4), some_figures(mistake.answer, 6)
        return f"said {said}, right is {right}"
    said, answer = (
        shortened(str(label), LONGEST_LABEL) for label in (mistake.predicted, mistake.answer)
    )
    return f"said {said}, {f'right is {answer}' if mistake.wrong else 'which is right'}"


def _neurons(blame: Blame) -> Markup | None:
    if not blame.neurons:
        return None
    rows = [
        [one.name, short_figure(one.value), _change(-one.contribution, blame.loss)]
        for one in blame.neurons[:MOST_NEURONS]
    ]
    measured = counted(len(blame.neurons), "neuron")
    more = (
        f"{measured} were silenced one by one, of {len(blame.neurons) + blame.more_neurons:,}: "
        "those that value times gradient puts first."
    )
    return tag(
        "div",
        tag("h4", "Neurons that contributed most"),
        table(
            ["neuron", "its value", "loss if it fell silent"],
            rows,
            caption="neurons that contributed most",
            numbers=(1, 2),
        ),
        paragraph(more, quiet=True),
    )


def _change(change: float, loss: float) -> str:
    return f"{three_figures(loss + change)} ({some_figures(change, 2, signed=True)})"


def _update(update: NextUpdate, mistake: Mistake) -> Markup:
    rows = [
        [one.name, short_figure(one.gradient), f"{_weight(one.before)} → {_weight(one.after)}"]
        for one in update.weights[:MOST_WEIGHTS]
    ]
    return tag(
        "div",
        tag("h4", f"What the next update changes: {_rule(update)}"),
        table(
            ["weight", "gradient", "before → after"],
            rows,
            caption="weights that the next update changes most",
            numbers=(1, 2),
        ),
        paragraph(_outcome(update, mistake), quiet=True),
    )


def _rule(update: NextUpdate) -> str:
    return update.rule if not update.own else f"{update.rule}, as it trained"


def _outcome(update: NextUpdate, mistake: Mistake) -> str:
    anew = ", which begins anew here" if update.begun_anew else ""
    moved = (
        f"Learning from this row alone at a rate of {update.learning_rate:g}{anew}, all weights "
        f"together move by {_size(update.share)} of their size"
    )
    losses = f"{short_figure(update.loss_before)} → {short_figure(update.loss_after)}"
    if mistake.off is not None:
        said = f"{some_figures(update.said_before, 4)} → {some_figures(update.said_after, 4)}"
        return f"{moved}. The loss: {losses}; what it says: {said}."
    said = f"{percent(update.said_before)} → {percent(update.said_after)}"
    answer = shortened(str(mistake.answer), LONGEST_LABEL)
    return f"{moved}. The loss: {losses}; what it gives {answer}: {said}."


def _size(share: float) -> str:
    return "less than 0.1%" if 0 < share < 0.0005 else percent(share)


def _weight(number: float) -> str:
    return true_minus(f"{number:.4f}") if abs(number) >= 0.001 else some_figures(number, 3)


def _chain_rule(model: Model, mistake: Mistake, blame: Blame) -> Markup | None:
    if blame.explained is None:
        return None
    name = blame.explained.name
    rate = blame.updates[0].learning_rate if blame.updates else None
    found = chain_rule_of_mistake(model, mistake, name, learning_rate=rate)
    summary = f"The chain rule of {name}, with its numbers"
    # A formula that can't be broken is scrolled, by whoever has no mouse as well.
    formulas = tag(
        "div",
        Markup(found.mathml("h5")),
        class_="scrolled",
        tabindex=0,
        role="group",
        aria_label=summary,
    )
    return folded(summary, formulas)
