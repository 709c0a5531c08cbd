"""`misstep find-rate`: the learning-rate range test on what `misstep train` would train.

Reads, prepares and plans as training does, and leaves no model behind.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from misstep.cli.exits import DONE
from misstep.cli.inputs import read_data
from misstep.cli.keeping import keep_beside, kept_text
from misstep.cli.output import write_json
from misstep.cli.page import Page
from misstep.cli.run_folder import check_folder, default_folder
from misstep.cli.training_options import given_options
from misstep.drawing import STANDALONE_MARK
from misstep.modeling import check_request, make_options, recognize, untrained
from misstep.modeling.command import flags_given
from misstep.modeling.pipeline import preparation_for
from misstep.report.rate_range import draw_rate_range
from misstep.text.counts import counted
from misstep.text.figures import four_figures
from misstep.train import RateRange

DRAWING = "learning-rate.svg"
# Lines of the curve in words, and letters of the longest bar.
LINES, LONGEST_BAR = 24, 40
BAR = "█"


def find_rate(source: str, values: Mapping[str, Any], *, json: bool) -> int:
    """Say which learning rate the range test finds for training on `source`; return the exit code.

    Writes a drawing of the curve into the run's folder.
    """
    page = Page(to_error=json)
    options = make_options(**given_options(values))
    folder = Path(options.folder or default_folder(source))
    options = replace(options, folder=None, progress=False, resume=False)
    check_request(options, by_flag=True)
    check_folder(folder)
    modality = recognize(
        read_data(source, preparation_for(replace(options, folder=folder))), options
    )
    page.say(f"{source}: {modality.source.describe()}")
    page.say(
        "A hundred updates at growing rates, three times; then some at the rates they tell.", "dim"
    )
    setup = untrained(modality)
    trainer = setup.trainer
    found = trainer.find_learning_rate(setup.x, setup.y, sample_weight=setup.weights)
    _say_curve(page, found)
    drawing = keep_beside(
        page, lambda: kept_text(folder / DRAWING, draw_rate_range(found), STANDALONE_MARK)
    )
    page.blank()
    if drawing is not None:
        page.say(f"The curve is drawn in {drawing}.")
    asked = trainer.optimizer
    kind = type(asked).__name__
    command = None
    if found.suggestion is None:
        page.title("No rate found")
        page.say(f"because {found.because}", indent=2)
        page.say(
            "Where no rate lets the loss fall, something else keeps the network from learning; "
            "misstep check and misstep diagnose look for it.",
            indent=2,
        )
    else:
        page.title(f"Learning rate {found.suggestion:.2g}, for {kind}")
        page.say(f"because {found.because}", indent=2)
        page.say(f"{kind} would have trained with {asked.learning_rate:g}.", indent=2)
        command = shlex.join(
            [
                *("misstep", "train", source),
                *flags_given(values, without={"learning_rate", "resume"}),
                *("--learning-rate", f"{found.suggestion:.2g}"),
            ]
        )
        page.title("Try next")
        page.commands([command])
    if json:
        write_json({**found.plain(), "drawing": drawing and str(drawing), "command": command})
    page.settle()
    return DONE


def _say_curve(page: Page, found: RateRange) -> None:
    """Say the curve as a table of rates, losses and bars."""
    curve, count = found.curve, len(found.rates)
    places = np.unique(np.linspace(0, count - 1, min(LINES, count)).round().astype(int))
    finite = curve[np.isfinite(curve)]
    first = found.first_loss
    low = min([first, *finite.tolist()])
    # What explodes would press the rest to nothing.
    high = first + 0.25 * ((first - low) or abs(first))
    rows = []
    for place in places:
        loss = float(curve[place])
        share = min(max((loss - low) / ((high - low) or 1.0), 0.0), 1.0)
        bar = BAR * max(1, round(LONGEST_BAR * share))
        shown = four_figures(loss) if np.isfinite(loss) else "not finite"
        rows.append([f"{found.rates[place]:.1e}", shown, f"{bar}{'…' if loss > high else ''}"])
    courses = counted(len(found.losses), "course")
    page.title(f"Loss as the rate grows, over {count} updates, the median of {courses}")
    page.table(rows, ["rate", "loss", ""], [0, 1])
