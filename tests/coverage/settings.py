"""What is explained again and again: cases with cheap models, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from pylime import as_regressor, lime
from pylime.pipeline import Explainer

N_FEATURES = 5

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Subject:
    """
    A case with its explainer.

    Attributes
    ----------
    explainer, x
        What `explain()` takes.
    options
        Further arguments of it.
    """

    explainer: Explainer
    x: Any
    options: dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """
    A subject, and from how many permutations it is explained.

    Attributes
    ----------
    subject
        Its name in `SUBJECTS`.
    n
        Number of permutations.
    """

    subject: str
    n: int

    def __str__(self) -> str:
        return f"{self.subject}, n = {self.n}"


# Tables


def _table(p: int, function: Function) -> Callable[[], Subject]:
    """A table of p columns, normally distributed, of which the first row is explained."""

    def make() -> Subject:
        values = np.random.default_rng(p).normal(size=(1000, p))
        return Subject(lime(values, as_regressor(function), probe=False), values[0], {})

    return make


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _three_matter(x: np.ndarray) -> np.ndarray:
    return _logistic(2 * x[:, 0] - 1.5 * x[:, 7] + x[:, 19])


def _one_matters(x: np.ndarray) -> np.ndarray:
    return np.tanh(2 * x[:, 4])


def _steps(x: np.ndarray) -> np.ndarray:
    return (x > np.linspace(-0.6, 0.6, x.shape[1])) @ np.linspace(1.0, -0.5, x.shape[1])


def _smooth(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * x[:, :7]).sum(axis=1) + np.square(x[:, 7:]) @ np.linspace(0.1, 0.6, 7)


def _all_matter(x: np.ndarray) -> np.ndarray:
    return x @ np.linspace(0.2, 2.0, x.shape[1])


def _pairs(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] + 0.7 * x[:, 2] + np.maximum(x[:, 3], x[:, 4])


def _rules(x: np.ndarray) -> np.ndarray:
    both = (x[:, 0] > 0) & (x[:, 1] < 0.5)
    either = (x[:, 2] > 1) | (x[:, 3] < -0.5)
    return 0.6 * both + 0.3 * either + 0.1 * (x[:, 4] > 0) * (x[:, 5] > 0)


def _distance(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.square(x - 0.5).sum(axis=1) / x.shape[1])


@cache
def _forest() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    random = np.random.default_rng(0)
    x = random.normal(size=(1000, 20))
    y = _smooth(x[:, :14]) + x[:, 14] * x[:, 15] + random.normal(size=1000) / 2
    return HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(x, y)


def _boosted(x: np.ndarray) -> np.ndarray:
    return _forest().predict(x)


def _houses() -> Subject:
    """A regression in euros: six columns of numbers and four of levels."""
    random = np.random.default_rng(5)
    n = 1000
    houses = pd.DataFrame(
        {
            "area": random.gamma(9, 13, n).round(),
            "rooms": random.integers(1, 8, n),
            "year": random.integers(1890, 2024, n),
            "plot": random.gamma(4, 150, n).round(),
            "distance": random.exponential(8, n).round(1),
            "floors": random.integers(1, 4, n),
            "town": random.choice(["Graz", "Linz", "Salzburg", "Wien"], n, p=[0.3, 0.2, 0.1, 0.4]),
            "heating": random.choice(["gas", "oil", "wood", "heat pump"], n),
            "garage": random.choice(["no", "yes"], n),
            "condition": random.choice(["good", "new", "poor"], n, p=[0.6, 0.1, 0.3]),
        }
    )
    return Subject(lime(houses, as_regressor(_price), probe=False), houses.iloc[[1]], {})


def _price(houses: pd.DataFrame) -> np.ndarray:
    per_metre = houses["town"].map({"Graz": 3.1, "Linz": 2.9, "Salzburg": 5.2, "Wien": 4.8})
    factor = houses["condition"].map({"good": 1.0, "new": 1.3, "poor": 0.7})
    house = 1000.0 * per_metre * houses["area"] * factor
    plot = 300.0 * houses["plot"] * np.exp(-houses["distance"] / 10)
    return (house + plot + 25_000.0 * (houses["garage"] == "yes")).to_numpy()


def _reviews() -> Subject:
    """Reviews of 40 words beside two columns of numbers and two of levels."""
    random = np.random.default_rng(6)
    n = 1000
    words = [f"w{number:03}" for number in range(40)]
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 10, n),
            "visits": random.integers(1, 20, n),
            "country": random.choice(["Denmark", "Norway", "Sweden"], n, p=[0.5, 0.3, 0.2]),
            "member": random.choice(["no", "yes"], n),
            "review": [" ".join(words)] * n,
        }
    )

    def model(rows: pd.DataFrame) -> np.ndarray:
        kept = np.array([rows["review"].str.contains(word) for word in words[:8]], dtype=float)
        said = np.linspace(1.5, -1.0, 8) @ kept + kept[0] * kept[1] - kept[6] * kept[2]
        known = (rows["country"] == "Norway") + 0.05 * (rows["age"] - 40)
        return _logistic((said + known + (rows["member"] == "yes") * kept[3] - 1.5).to_numpy())

    explainer = lime(frame, as_regressor(model), text_columns="review", probe=False)
    case = frame[(frame["country"] == "Norway") & (frame["member"] == "yes")].head(1)
    return Subject(explainer, case, {})


def _towns() -> Subject:
    """Prices by coordinates, which are one feature, and by size, which is coded by columns."""
    random = np.random.default_rng(7)
    n = 1000
    centres = np.array([[60.0, 10.0], [55.0, 15.0], [50.0, 5.0], [45.0, 0.0]])
    places = centres[random.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])] + random.normal(size=(n, 2))
    size = random.choice(["s", "m", "l"], n, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame(random.normal(size=(n, 6)), columns=list("abcdef")).assign(
        lat=places[:, 0],
        lon=places[:, 1],
        **{f"size_{level}": (size == level).astype(int) for level in ("s", "m", "l")},
    )

    def model(rows: pd.DataFrame) -> np.ndarray:
        near = np.exp(-(np.square(rows["lat"] - 60) + np.square(rows["lon"] - 10)) / 10)
        room = rows["size_m"] + 2 * rows["size_l"]
        others = np.tanh(rows["a"]) - 0.6 * np.tanh(rows["b"]) + 0.4 * rows["c"] * (rows["d"] > 0)
        return ((1 + near) * room + 2 * near + others).to_numpy()

    groups = {"place": ["lat", "lon"], "size": ["size_s", "size_m", "size_l"]}
    explainer = lime(frame, as_regressor(model), groups=groups, probe=False)
    near = np.hypot(*(places - centres[0]).T) < 1
    return Subject(explainer, frame[near & (size == "m")].head(1), {})


# Texts


def _text(p: int, function: Function) -> Callable[[], Subject]:
    """A text of p words; the model is a function of which of them it sees."""

    def make() -> Subject:
        words = [f"w{number:03}" for number in range(p)]

        def model(texts: list[str]) -> np.ndarray:
            return function(np.array([[word in text for text in texts] for word in words[:12]]).T)

        text = " ".join(words)
        return Subject(lime(text, as_regressor(model), probe=False), text, {})

    return make


def _bag(kept: np.ndarray) -> np.ndarray:
    return _logistic(kept @ np.linspace(2.0, -1.2, 12) - 1.5)


def _product(kept: np.ndarray) -> np.ndarray:
    return 0.1 + 0.6 * kept[:, 0] * kept[:, 1] * kept[:, 2] + 0.2 * kept[:, 3]


def _negations(kept: np.ndarray) -> np.ndarray:
    """Words that turn the word after them."""
    turned = kept[:, :6] * (1 - 1.6 * kept[:, 6:])
    return _logistic(turned @ np.linspace(2.0, 0.5, 6) - 0.5)


# Images

_SIDE = 8


def _image(height: int, width: int, function: Function) -> Callable[[], Subject]:
    """An image of so many square superpixels; the model is a function of which it sees."""

    def model(images: np.ndarray) -> np.ndarray:
        middles = images[:, _SIDE // 2 :: _SIDE, _SIDE // 2 :: _SIDE, 0]
        return function(middles.reshape(len(images), -1) > 127)

    def make() -> Subject:
        image = np.full((height * _SIDE, width * _SIDE, 3), 255, dtype=np.uint8)
        numbers = np.arange(1, height * width + 1).reshape(height, width)
        labels = np.kron(numbers, np.ones((_SIDE, _SIDE), dtype=int))
        options = {
            "segmentation": lambda _: labels,
            "background": "black",
            "batch_size": 1000,
        }
        return Subject(lime(image, as_regressor(model), probe=False), image, options)

    return make


def _seen(kept: np.ndarray) -> np.ndarray:
    """Two parts of an object, of which one counts for little without the other, and a border."""
    weights = np.exp(-np.arange(kept.shape[1]) / 4)
    parts = kept[:, 1] * (0.3 + kept[:, 2])
    return _logistic(kept @ weights + 1.5 * parts - 2.5)


def _spread(kept: np.ndarray) -> np.ndarray:
    """Whether more of the image is seen than not, with neighbours that count together."""
    together = (kept[:, 1:] & kept[:, :-1]).mean(axis=1)
    return np.tanh(2 * kept @ np.linspace(1, 0, kept.shape[1]) / kept.shape[1] + together)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "3 of 30 columns": _table(30, _three_matter),
    "1 of 30 columns": _table(30, _one_matters),
    "steps of 9 columns": _table(9, _steps),
    "smooth, 14 columns": _table(14, _smooth),
    "linear, 50 columns": _table(50, _all_matter),
    "pairs of 12 columns": _table(12, _pairs),
    "rules of 25 columns": _table(25, _rules),
    "distance, 16 columns": _table(16, _distance),
    "boosted, 20 columns": _table(20, _boosted),
    "euros": _houses,
    "40 words beside columns": _reviews,
    "groups of columns": _towns,
    "bag of 40 words": _text(40, _bag),
    "product of words": _text(25, _product),
    "negated words": _text(100, _negations),
    "15 superpixels": _image(3, 5, _seen),
    "50 superpixels": _image(5, 10, _seen),
    "150 superpixels": _image(10, 15, _seen),
    "15 superpixels, spread": _image(3, 5, _spread),
    "50 superpixels, spread": _image(5, 10, _spread),
    "150 superpixels, spread": _image(10, 15, _spread),
}


@cache
def subject_of(name: str) -> Subject:
    """Make a subject, once."""
    return SUBJECTS[name]()


COVERAGE = [
    Setting("3 of 30 columns", 500),
    Setting("1 of 30 columns", 500),
    Setting("pairs of 12 columns", 500),
    Setting("1 of 30 columns", 5000),
    Setting("bag of 40 words", 5000),
    Setting("product of words", 5000),
    Setting("50 superpixels", 1000),
    Setting("euros", 1000),
    Setting("40 words beside columns", 1000),
    Setting("40 words beside columns", 5000),
    Setting("groups of columns", 500),
    Setting("groups of columns", 5000),
]

_TABLES = [name for name in SUBJECTS if "columns" in name or name == "euros"]
_TEXTS = [name for name in SUBJECTS if "words" in name and "columns" not in name]
_IMAGES = [name for name in SUBJECTS if "superpixels" in name]

WIDTHS = [
    *(Setting(name, n) for n in (500, 1000, 5000) for name in _TABLES),
    *(Setting(name, n) for n in (500, 5000) for name in _TEXTS),
    *(Setting(name, 1000) for name in _IMAGES),
]
