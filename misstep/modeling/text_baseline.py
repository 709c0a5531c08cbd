"""What a network on texts is compared with: a linear model on TF-IDF, as people would fit it.

scikit-learn's own words and weights, so that nothing of ours helps it or stands in its way.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from misstep.data import ColumnType, Preprocessor, Rows, Target, drawn_rows
from misstep.data.table.cell_values import category_words
from misstep.data.text.unspaced import has_signs, normalized
from misstep.ir import Array
from misstep.modeling.baselines import Baseline, standardized
from misstep.modeling.metrics import Scores, class_scores, target_scores

if TYPE_CHECKING:
    import pandas

# Letters that it learns from at most, so that it takes some seconds at most.
LARGEST = 20_000_000
# Letters up to which pairs of words are terms where nothing must be compared: some seconds.
FEW_LETTERS = 5_000_000


def linear_on_texts(
    train: Rows,
    train_frame: pandas.DataFrame,
    test: Rows,
    test_frame: pandas.DataFrame,
    preprocessor: Preprocessor,
    target: Target,
) -> Baseline:
    """Return a linear model on TF-IDF of words and pairs, and on all plain numbers of a row.

    `train_frame`, `test_frame`: the rows of `train` and `test` as people have them.
    """
    names = [
        column.name
        for column in preprocessor.columns
        if column.used and column.column_type is ColumnType.TEXT
    ]
    letters = sum(int(train_frame[name].fillna("").astype(str).str.len().sum()) for name in names)
    step = -(-letters // LARGEST) or 1
    rows = drawn_rows(len(train_frame), -(-len(train_frame) // step))
    used = sum(column.used for column in preprocessor.columns)
    units = "signs" if any(_unspaced(_texts(train_frame[name])) for name in names) else "words"
    what = "TF-IDF and the other columns" if used > len(names) else f"TF-IDF of {units} and pairs"
    how = f"on {what}; " + (f"one in {step} of the rows" if step > 1 else "same rows")
    chosen = train.take(rows)

    def score() -> Scores | None:
        x, test_x = _matrices(chosen, train_frame.iloc[rows], test, test_frame, preprocessor, names)
        return _scores(x, chosen.y, test_x, test.y, target)

    return Baseline("linear", "a linear model", how, score)


def term_features(rows: Rows, frame: pandas.DataFrame, preprocessor: Preprocessor) -> Any:
    """Return sparse features that know no answers, (rows, …): TF-IDF, and what is no text.

    `frame`: the rows as people have them. Of very many letters, words alone and no pairs.
    """
    names = [
        column.name
        for column in preprocessor.columns
        if column.used and column.column_type is ColumnType.TEXT
    ]
    letters = sum(int(frame[name].fillna("").astype(str).str.len().sum()) for name in names)
    together = 2 if letters <= FEW_LETTERS else 1
    one, first = rows.take(np.arange(1)), frame.iloc[:1]
    return _matrices(rows, frame, one, first, preprocessor, names, together)[0]


def _matrices(
    train: Rows,
    train_frame: pandas.DataFrame,
    test: Rows,
    test_frame: pandas.DataFrame,
    preprocessor: Preprocessor,
    names: list[str],
    together: int = 2,
) -> tuple[Any, Any]:
    """Return sparse rows of training and test: TF-IDF, and columns that are no texts.

    `together`: as many words in a row are a term at most.
    """
    from scipy.sparse import csr_array, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    plain = np.ones(train.x.shape[1], bool)
    for text in preprocessor.texts:
        plain[text.start : text.stop] = False
    rows, others = [csr_array(train.x[:, plain])], [csr_array(test.x[:, plain])]
    bent, bent_test = (preprocessor.bent_numbers(frame) for frame in (train_frame, test_frame))
    if bent is not None and bent_test is not None:
        straight, straight_test = standardized(bent, bent_test)
        rows.append(csr_array(straight))
        others.append(csr_array(straight_test))
    for name in names:
        texts = _texts(train_frame[name])
        unit = "char" if _unspaced(texts) else "word"
        vectors = TfidfVectorizer(ngram_range=(1, together), analyzer=unit)
        try:
            rows.append(vectors.fit_transform(texts))
        except ValueError:  # not a single word
            continue
        others.append(vectors.transform(_texts(test_frame[name])))
    return hstack(rows).tocsr(), hstack(others).tocsr()


def _texts(series: pandas.Series) -> list[str]:
    return [normalized(word or "") for word in category_words(series.tolist())]


def _unspaced(texts: list[str]) -> bool:
    """Tell whether most texts have signs of a writing without blanks between words."""
    return 2 * sum(map(has_signs, texts)) > len(texts)


def _scores(x: Any, y: Array, test_x: Any, test_y: Array, target: Target) -> Scores | None:
    from scipy.special import expit, softmax
    from sklearn.linear_model import Ridge
    from sklearn.svm import LinearSVC

    if target.is_number:
        predicted = Ridge(1.0).fit(x, y).predict(test_x)
        return target_scores(predicted, test_y, target)
    if len(np.unique(y)) < 2:
        return None
    with warnings.catch_warnings():
        # Not having converged is no matter here: it is a yardstick.
        warnings.simplefilter("ignore")
        model = LinearSVC(random_state=0).fit(x, y)
    # Distances from the boundary are no probabilities, but stand in their order.
    distances = model.decision_function(test_x)
    probabilities = np.zeros((len(test_y), len(target.classes)))
    if distances.ndim == 1:
        shares = expit(distances)
        probabilities[:, model.classes_.astype(int)] = np.column_stack([1 - shares, shares])
    else:
        probabilities[:, model.classes_.astype(int)] = softmax(distances, axis=1)
    return class_scores(probabilities, test_y, target.rare)
