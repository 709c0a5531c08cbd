"""A trained model as a small piece of HTML: layers, decisions, and the losses as a drawn curve.

One string that needs nothing else: no scripts, no files, every text escaped. Knows the model and
its history, not estimators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from misstep.data import Decision
from misstep.modeling import TrainedModel
from misstep.text.counts import counted

# In pixels; the curve keeps a margin so that its line is not cut.
WIDTH, HEIGHT, MARGIN = 360, 110, 6
# Points of a curve; more would be drawn within one pixel.
MOST_POINTS = WIDTH
CURVES = (("training_loss", "training", "#2b6cb0"), ("validation_loss", "validation", "#dd6b20"))


def model_summary(
    model: TrainedModel, history: Sequence[Mapping[str, float]], decisions: Iterable[Decision]
) -> str:
    """Return layers with their parameters, the curve of losses and the decisions, as HTML."""
    network = model.network
    facts = (
        f"{counted(network.parameter_count, 'parameter')}, "
        f"{counted(len(model.feature_names), 'feature')}, "
        f"{counted(len(history), 'epoch')}; ended: {model.facts['ended']}"
    )
    layers = _table(
        ("layer", "output", "parameters"),
        [(row["layer"], row["output"], f"{row['parameters']:,}") for row in network.summary()],
    )
    chosen = _table(
        ("what", "choice", "because"), [(each.what, each.choice, each.reason) for each in decisions]
    )
    return (
        '<div class="misstep-summary" style="margin:.5em 0;font-size:90%">'
        f"<p>Predicts {escape(model.target.name)}: {model.target.task}. {escape(facts)}.</p>"
        f"{layers}{_losses(history)}"
        f"<details><summary>Decisions</summary>{chosen}</details></div>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    top = "".join(f'<th style="text-align:left">{escape(head)}</th>' for head in heads)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _losses(history: Sequence[Mapping[str, float]]) -> str:
    """Return the curves as SVG; epochs go to the right, losses from the lowest to the highest."""
    curves = [
        (word, color, [values[name] for values in history])
        for name, word, color in CURVES
        if history and all(name in values for values in history)
    ]
    every_loss = [loss for _, _, losses in curves for loss in losses]
    if len(history) < 2 or not every_loss:
        return ""
    low, high = min(every_loss), max(every_loss)
    lines, legend = "", []
    for word, color, losses in curves:
        lines += (
            f'<polyline fill="none" stroke="{color}" stroke-width="1.5" '
            f'points="{_points(losses, low, high)}"/>'
        )
        legend.append(f'<span style="color:{color}">{word} {losses[-1]:.4g}</span>')
    return (
        f'<svg role="img" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<title>Losses of {counted(len(history), 'epoch')}, from {low:.4g} to {high:.4g}</title>"
        f"{lines}</svg><div>Loss in the last epoch: {', '.join(legend)}</div>"
    )


def _points(losses: Sequence[float], low: float, high: float) -> str:
    step = -(-len(losses) // MOST_POINTS)
    picked = [*range(0, len(losses) - 1, step), len(losses) - 1]
    wide, tall = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    return " ".join(
        f"{MARGIN + wide * place / (len(losses) - 1):.1f},"
        f"{MARGIN + tall * (high - losses[place]) / ((high - low) or 1.0):.1f}"
        for place in picked
    )
