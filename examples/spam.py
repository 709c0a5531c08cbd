"""Which messages are spam: 5,574 short messages, each with its label.

    python examples/spam.py [MESSAGES.tsv]

The file has a header and two columns, label and text, split by tabs; quotes mean nothing.
"""

import csv
import sys
from pathlib import Path

import pandas
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

import misstep as ms

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parent.parent / "shared" / "data" / "text" / "sms_spam.tsv.gz"
NEW = [
    "Are you coming to the station? I'll wait outside",
    "WINNER! Claim your £500 prize, call 09061701461 NOW",
]


def main(path: str | Path = DEFAULT, most: int | None = None) -> float:
    """Train, say what came of it, and return F1 of spam on a fifth of the messages.

    `most`: messages at most.
    """
    messages = pandas.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE)[:most]
    texts, test, labels, truth = train_test_split(
        messages["text"],
        messages["label"],
        test_size=0.2,
        stratify=messages["label"],
        random_state=0,
    )

    classifier = ms.Classifier().fit(texts, labels)
    for choice in classifier.decisions_:
        print(f"{choice.what}: {choice.choice}, because {choice.reason}")

    predicted = classifier.predict(test)
    score = float(f1_score(truth, predicted, pos_label="spam"))
    print(f"F1 of spam {score:.3f} on {len(test):,} messages that training never saw")
    for text, label, guess in zip(test, truth, predicted, strict=True):
        if label != guess:
            print(f"  wrong: {guess} instead of {label}: {text[:60]}")
            break

    spam = list(classifier.classes_).index("spam")
    for text, chance in zip(NEW, classifier.predict_proba(NEW)[:, spam], strict=True):
        print(f"{chance:6.1%} spam: {text}")
    return score


if __name__ == "__main__":
    if not Path(*(sys.argv[1:2] or [DEFAULT])).is_file():
        sys.exit("which file? python examples/spam.py MESSAGES.tsv")
    main(*sys.argv[1:2])
