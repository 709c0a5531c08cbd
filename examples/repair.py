"""A training that learns nothing, repaired: what is found, what is tried beside it, what helps.

    python examples/repair.py [FOLDER]

FOLDER gets the record of the training, what was adopted, and a drawing of what was tried.
"""

import sys
from pathlib import Path

import numpy as np

import misstep as ms
from misstep.report import draw_repair


def made_up(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a plane, and which of two spirals each is on."""
    random = np.random.default_rng(seed)
    arm = random.integers(0, 2, rows)
    angle = 0.6 + 2.4 * np.sqrt(random.uniform(size=rows))
    turned = angle * 2 + np.pi * arm
    points = np.stack([angle * np.cos(turned), angle * np.sin(turned)], axis=1)
    return points + random.normal(0, 0.05, points.shape), arm


def main(folder: str | None = None, *, steps: int | None = None) -> float:
    """Train what can't learn, repair it, and return the share of right answers on other points.

    `steps`: updates that the repair may take, None: as many as it likes.
    """
    # Five layers of sigmoids and a timid rate: the first layers hardly hear of any mistake.
    hidden = [layer for _ in range(5) for layer in (ms.Dense(24), ms.Sigmoid())]
    trainer = ms.Trainer(
        ms.Sequential(*hidden, ms.Dense(2)),
        loss=ms.CrossEntropy(),
        optimizer=ms.SGD(0.05),
        batch_size=25,
        seed=1,
    )
    x, y = made_up(400, seed=0)
    run = trainer.fit(
        x[:250],
        y[:250],
        validation=(x[250:], y[250:]),
        epochs=40,
        folder=folder,
        # One round is enough here; repair=True looks again, three times at most.
        repair=ms.RepairBudget(rounds=1, steps=steps),
    )
    if run.repair is None:
        print("nothing that harms was found")
    else:
        print("found:", ", ".join(finding.slug for finding in run.repair.before.findings))
        print(run.repair)
        if folder is not None:
            drawing = Path(folder) / "repair.svg"
            drawing.write_text(draw_repair(run.repair.plain(), "Two spirals"), encoding="utf-8")
            print(f"drawn in {drawing}")
    new_x, new_y = made_up(1000, seed=1)
    right = trainer.evaluate(new_x, new_y)["accuracy"]
    print(f"{right:.1%} of 1,000 points never seen are right")
    return right


if __name__ == "__main__":
    main(*sys.argv[1:2])
