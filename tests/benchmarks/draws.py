"""How far weights are from their limit with balanced and with independent draws, kind by kind."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pylime import as_regressor, lime
from pylime.draws import DRAWS, Draws, uniform
from pylime.explainers import make_request
from pylime.masks import draw_masks, kept_words
from pylime.pipeline import Explainer, Predicted, predict_permutations, prepare_cases

SIZES = (500, 5000)
SEEDS = 50
# The limit is a mean of balanced runs with other seeds, of 200,000 permutations together.
LIMIT_SIZE, LIMIT_RUNS, LIMIT_SEED = 20_000, 10, 1_000_000
# Draws are repeated until they take so many seconds, in so many rounds.
LEAST_SECONDS, ROUNDS = 0.02, 7

Model = Callable[[np.ndarray], np.ndarray]
"""A function of what the features of a model are, a column each."""


@dataclass(frozen=True, eq=False)
class Kind:
    """
    A kind of draws: a case, and the features whose weights are compared with their limit.

    Attributes
    ----------
    explainer, x
        What `explain()` takes.
    fixed
        Names of the features that the surrogate is fitted to: the five of the model, then others.
    options
        Further arguments of `explain()`.
    n_words
        Of texts: how many words each has.
    """

    explainer: Explainer
    x: Any
    fixed: Sequence[str]
    options: dict[str, Any] = field(default_factory=dict)
    n_words: Sequence[int] = ()

    def predicted(self, n: int, seed: int, draws: Draws) -> Predicted:
        """Draw and predict permutations of the case."""
        request = make_request(
            self.explainer, n_permutations=n, random_state=seed, draws=draws, **self.options
        )
        cases = prepare_cases(self.x, self.explainer, request)
        (predicted,) = predict_permutations(self.explainer, cases, request)
        return predicted

    def weights(self, n: int, seed: int, draws: Draws) -> np.ndarray:
        """The weights of the fixed features in a fit to these."""
        found = self.predicted(n, seed, draws)
        names = list(found.case.features)
        design: Any = found.case.design[:, [names.index(name) for name in self.fixed]]
        design = design.toarray() if hasattr(design, "toarray") else design.astype(float)
        root = np.sqrt(found.case.weights)
        rows = np.column_stack([np.ones(len(root)), design]) * root[:, None]
        return np.linalg.lstsq(rows, found.responses[:, 0] * root)[0][1:]


# Models


def logistic(x: np.ndarray) -> np.ndarray:
    """A smooth function of five columns, hardly without interactions."""
    return 1 / (1 + np.exp(-x @ [2.0, -1.5, 1.0, 0.7, -0.5]))


def pairs(x: np.ndarray) -> np.ndarray:
    """Five columns, of which four work in pairs."""
    return x[:, 0] * x[:, 1] + np.maximum(x[:, 2], x[:, 3]) + 0.7 * x[:, 4]


# Tables


def numbers(p: int, model: Model, options: dict[str, Any], **of_explain: Any) -> Kind:
    """The first of 1000 rows of p columns of numbers, all normally distributed."""
    names = [f"x{k:03}" for k in range(p)]
    values = np.random.default_rng(p).normal(size=(1000, p))
    if options.pop("gaps", False):
        gaps = np.random.default_rng(1).random(values[1:].shape) < 0.1
        values[1:][gaps] = np.nan
    frame = pd.DataFrame(values, columns=names)
    used, others = names[:: p // 5][:5], names[1 :: p // 5][:5]
    function = as_regressor(lambda rows: model(np.nan_to_num(rows[used].to_numpy())))
    explainer = lime(frame, function, probe=False, **options)
    return Kind(explainer, frame.head(1), [*used, *others], of_explain)


def dates(model: Model) -> Kind:
    """Five columns of dates, which are drawn, between five of numbers."""
    random = np.random.default_rng(0)
    days = pd.DataFrame(
        {
            name: pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 1000, 1000), "D")
            for name in ("built", "sold", "born", "seen", "paid")
        }
    )
    values = pd.DataFrame(random.normal(size=(1000, 5)), columns=list("vwxyz"))
    start, used, others = pd.Timestamp("2024-01-01"), list(days), list(values)

    def predict(rows: pd.DataFrame) -> np.ndarray:
        return model((rows[used] - start).to_numpy().astype("m8[h]").astype(float) / 7000 - 1.7)

    frame = days.join(values)
    explainer = lime(frame, as_regressor(predict), dates="draw", probe=False)
    return Kind(explainer, frame.head(1), [*used, *others])


def words(p: int, model: Model) -> Kind:
    """Six columns of numbers beside a text of p words; three columns and two words are used."""
    random = np.random.default_rng(p)
    names = [f"w{k:03}" for k in range(p)]
    frame = pd.DataFrame(random.normal(size=(1000, 6)), columns=list("uvwxyz"))
    frame["text"] = " ".join(names)
    used, others = names[:: p // 5][:2], names[1 :: p // 5][:2]

    def predict(rows: pd.DataFrame) -> np.ndarray:
        kept = [2.0 * rows["text"].str.contains(word).to_numpy() - 1 for word in used]
        return model(np.column_stack([rows[["u", "w", "y"]].to_numpy(), *kept]))

    explainer = lime(frame, as_regressor(predict), text_columns="text", probe=False)
    fixed = ["u", "w", "y", *(f"text: {word}" for word in used), "v", "x", "z"]
    return Kind(explainer, frame.head(1), [*fixed, *(f"text: {word}" for word in others)])


def groups(model: Model) -> Kind:
    """Ten columns in pairs, each of which is one feature, beside five columns of numbers."""
    values = np.random.default_rng(2).normal(size=(1000, 15))
    values[:, 5:10] = 0.8 * values[:, :5] + 0.6 * values[:, 5:10]
    names = [*(f"{pair}{k}" for pair in "ab" for k in range(5)), *"vwxyz"]
    frame = pd.DataFrame(values, columns=names)
    pairs_of = {f"pair {k}": [f"a{k}", f"b{k}"] for k in range(5)}

    def predict(rows: pd.DataFrame) -> np.ndarray:
        both = rows.to_numpy()
        return model((both[:, :5] + both[:, 5:10]) / 1.9)

    explainer = lime(frame, as_regressor(predict), groups=pairs_of, probe=False)
    return Kind(explainer, frame.head(1), [*pairs_of, *"vwxyz"])


# Texts


def text(p: int, model: Model, n_texts: int = 1) -> Kind:
    """A text of p words; or several texts of p of 2p words each, pooled."""
    words = [f"w{number:03}" for number in range(p if n_texts == 1 else 2 * p)]
    used, others = words[:: p // 5][:5], words[1 :: p // 5][:5]
    random = np.random.default_rng(p)
    texts = [" ".join(random.permutation(words)[:p]) for _ in range(n_texts)]

    def predict(some: Sequence[str]) -> np.ndarray:
        return model(2.0 * np.array([[word in text for word in used] for text in some]) - 1)

    explainer = lime(texts, as_regressor(predict), probe=False)
    options = {"single_explanation": True} if n_texts > 1 else {}
    return Kind(explainer, texts, [*used, *others], options, [p] * n_texts)


def tables_of(model: Model) -> dict[str, Callable[[], Kind]]:
    """Tables by what is drawn."""
    unbinned: dict[str, Any] = {"bin_continuous": False}
    return {
        "30 columns": lambda: numbers(30, model, {}),
        "30 columns with gaps": lambda: numbers(30, model, {"gaps": True}),
        "10 columns, dates": lambda: dates(model),
        "30 columns, densities": lambda: numbers(30, model, {**unbinned}),
        "30 columns, normal": lambda: numbers(30, model, {**unbinned, "use_density": False}),
        "30 columns, kernel": lambda: numbers(30, model, {}, sampling="kernel"),
        "30 columns, narrow kernel": lambda: numbers(
            30, model, {}, sampling="kernel", kernel_width=0.5
        ),
        "200 columns": lambda: numbers(200, model, {}),
        "300 columns": lambda: numbers(300, model, {}),
        "400 columns": lambda: numbers(400, model, {}),
        "6 columns, 30 words": lambda: words(30, model),
        "6 columns, 300 words": lambda: words(300, model),
        "5 groups, 5 columns": lambda: groups(model),
    }


def texts_of(model: Model) -> dict[str, Callable[[], Kind]]:
    """Texts by their length."""
    return {
        "30 words": lambda: text(30, model),
        "20 texts of 30 words, pooled": lambda: text(30, model, n_texts=20),
        "200 words": lambda: text(200, model),
        "300 words": lambda: text(300, model),
    }


MODELS = {"smooth": logistic, "pairs": pairs}


def kinds() -> Iterator[tuple[str, str, Kind]]:
    """The name of each kind, that of a model, and the kind."""
    for name in [*tables_of(pairs), *texts_of(pairs)]:
        for model, function in MODELS.items():
            yield name, model, {**tables_of(function), **texts_of(function)}[name]()


# Errors


def limit_of(kind: Kind) -> np.ndarray:
    """The weights as the number of permutations grows without end."""
    runs = [kind.weights(LIMIT_SIZE, LIMIT_SEED + run, "balanced") for run in range(LIMIT_RUNS)]
    return np.mean(runs, axis=0)


def squared_errors(kind: Kind, limit: np.ndarray, n: int, draws: Draws) -> np.ndarray:
    """For each seed and fixed feature the squared error of the weight."""
    runs = np.array([kind.weights(n, seed, draws) for seed in range(SEEDS)])
    return (runs - limit) ** 2


def ratio_of(balanced: np.ndarray, independent: np.ndarray) -> tuple[float, float]:
    """The ratio of two means of errors, and its standard error: seeds are independent."""
    ratio = balanced.mean() / independent.mean()
    relative = [
        part.mean(axis=1).std(ddof=1) / np.sqrt(len(part)) / part.mean()
        for part in (balanced, independent)
    ]
    return float(ratio), float(ratio * np.hypot(*relative))


# Times


def drawing(kind: Kind, n: int, draws: Draws) -> Callable[[], object]:
    """A function that draws the numbers of n permutations of a table, or the masks of texts."""
    random = np.random.default_rng(1)
    if kind.n_words:
        shares = [n // len(kind.n_words)] * len(kind.n_words)
        each = list(zip(shares, kind.n_words, strict=True))
        return lambda: [kept_words(share, p, random, draws) for share, p in each]
    numbers = kind.predicted(2, 0, draws).case.numbers
    p = numbers[1] if numbers else 0
    return lambda: uniform(n - 1, p, draws, "table", random)


def cpu_seconds(sides: Mapping[Draws, Callable[[], object]]) -> dict[Draws, float]:
    """The time of each side in turn, of the processor: medians."""
    times: dict[Draws, list[float]] = {name: [] for name in sides}
    for round_ in range(ROUNDS + 1):
        for name, side in sides.items():
            n, spent = 0, 0.0
            start = time.process_time()
            while spent < LEAST_SECONDS:
                side()
                n += 1
                spent = time.process_time() - start
            if round_:
                times[name].append(spent / n)
    return {name: statistics.median(found) for name, found in times.items()}


# The tables

ERROR_HEAD = (
    "draws",
    "model",
    "n",
    "error, balanced",
    "independent",
    "ratio of squares",
    "of other features",
    "time, balanced",
    "independent",
)


def error_rows(only: str = "") -> Iterator[tuple[str, ...]]:
    """
    Rows of the table: a kind and a model, errors and times of draws.

    Errors are the root mean squares of the five features of the model; their ratio follows, and
    that of other features, each with its standard error.
    """
    last = ""
    for name, model, kind in kinds():
        if only not in name:
            continue
        limit = limit_of(kind)
        for n in SIZES:
            found = {draws: squared_errors(kind, limit, n, draws) for draws in DRAWS}
            errors = [f"{np.sqrt(found[draws][:, :5].mean()):.4f}" for draws in DRAWS]
            parts = slice(5), slice(5, None)
            ratios = [ratio_of(*(found[draws][:, part] for draws in DRAWS)) for part in parts]
            seconds = cpu_seconds({draws: drawing(kind, n, draws) for draws in DRAWS})
            yield (
                name if name != last else "",
                model,
                str(n),
                *errors,
                *(f"{ratio:.2f} ± {error:.2f}" for ratio, error in ratios),
                *(f"{1e3 * seconds[draws]:.2f} ms" for draws in DRAWS),
            )
            last = name


# What one explanation draws


def _table(n: int, p: int, draws: Draws) -> object:
    return uniform(n - 1, p, draws, "table", np.random.default_rng(1))


def _text(n: int, p: int, draws: Draws) -> object:
    return kept_words(n, p, np.random.default_rng(1), draws)


def _image(n: int, p: int, draws: Draws) -> object:
    return draw_masks(n, p, 0.5, np.random.default_rng(1), draws)


# Columns, superpixels or words, and permutations.
COSTS: dict[str, tuple[int, int, Callable[[int, int, Draws], object]]] = {
    "30 columns": (30, 5000, _table),
    "100 columns": (100, 5000, _table),
    "300 columns": (300, 5000, _table),
    "50 superpixels": (50, 1000, _image),
    "250 words": (250, 5000, _text),
    "300 words": (300, 5000, _text),
}
COST_HEAD = ("what is drawn", "permutations", *DRAWS)


def cost_rows() -> Iterator[tuple[str, ...]]:
    """Rows of the table: what is drawn, of texts and images with masks; time of the processor."""
    for name, (p, n, draw) in COSTS.items():
        sides = {draws: partial(draw, n, p, draws) for draws in DRAWS}
        seconds = cpu_seconds(sides)
        yield name, str(n), *(f"{1e3 * seconds[draws]:.2f} ms" for draws in DRAWS)
