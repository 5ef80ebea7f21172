"""Random inputs: tables, texts and images as odd as users' own, each from a seed."""

import contextlib
import datetime
import decimal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pylime import as_classifier, as_regressor

Random = np.random.Generator


@dataclass(frozen=True)
class Trial:
    """What goes into `lime()` and `explain()`, and words that an error may name."""

    data: Any
    cases: Any
    model: Any
    lime_options: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


# Tables


def _whole(random: Random, n: int) -> pd.Series:
    dtype = random.choice(["int8", "uint8", "int32", "uint32", "int64", "uint64", ">i4"])
    limits = np.iinfo(dtype)
    high = min(int(limits.max), int(10 ** random.integers(0, 19)))
    low = max(int(limits.min), -high) if random.random() < 0.5 else 0
    return pd.Series(random.integers(low, high, n, endpoint=True).astype(dtype))


def _fractions(random: Random, n: int) -> pd.Series:
    values = random.normal(size=n) * 10.0 ** random.integers(-12, 13)
    if random.random() < 0.3:
        values = values.round(int(random.integers(0, 3)))
    if random.random() < 0.4:
        values[random.random(n) < 0.2] = np.nan
    if random.random() < 0.03:
        values[0] = np.inf
    dtype = random.choice(["float64", "float32", "float16", ">f8"])
    with np.errstate(over="ignore"):
        return pd.Series(values.astype(dtype))


def _few(random: Random, n: int) -> pd.Series:
    return pd.Series(random.choice(np.array([0, 1, 1, 1, 7]), n))


def _constant(random: Random, n: int) -> pd.Series:
    values = np.full(n, random.choice([0.0, 1.5, -3.0, np.nan]))
    if random.random() < 0.4:
        values[::3] = np.nan
    return pd.Series(values)


def _strings(random: Random, n: int) -> pd.Series:
    levels = ["a", "B", "", " x", "ö", "日本", "1", "NaN", "a=b", "<b>", "\n", "🙂"]
    values = pd.Series(random.choice(levels[: int(random.integers(1, 13))], n), dtype=object)
    if random.random() < 0.4:
        values[random.random(n) < 0.2] = random.choice(np.array([None, np.nan], dtype=object))
    dtype = random.choice(np.array(["object", "string", "str", "string[pyarrow]"], dtype=object))
    return values.astype(dtype)


def _identifiers(random: Random, n: int) -> pd.Series:
    return pd.Series([f"id-{number}" for number in random.permutation(n)])


def _categories(random: Random, n: int) -> pd.Series:
    levels = [["low", "mid", "high", "never"], [3, 1, 2], [True, False], [0.5, 1.5]]
    chosen = levels[int(random.integers(len(levels)))]
    codes = random.integers(-1 if random.random() < 0.3 else 0, max(len(chosen) - 1, 1), n)
    ordered = bool(random.random() < 0.3)
    return pd.Series(pd.Categorical.from_codes(codes, chosen, ordered=ordered))


def _logicals(random: Random, n: int) -> pd.Series:
    values = pd.Series(random.random(n) < random.choice([0.0, 0.3, 1.0]))
    kind = random.choice(["bool", "boolean", "object"])
    values = values.astype(kind)
    if kind != "bool" and random.random() < 0.5:
        values[random.random(n) < 0.2] = pd.NA if kind == "boolean" else None
    return values


def _dates(random: Random, n: int) -> pd.Series:
    stamps = pd.Timestamp("2020-02-28") + pd.to_timedelta(random.integers(0, 10**8, n), unit="s")
    kinds: list[Callable[[], Any]] = [
        lambda: pd.Series(stamps),
        lambda: pd.Series(stamps.tz_localize("Europe/Vienna", ambiguous=True, nonexistent="NaT")),
        lambda: pd.Series(stamps.date, dtype=object),
        lambda: pd.Series(stamps - stamps[0]),
        lambda: pd.Series(stamps.to_period("M")),
        lambda: pd.Series(stamps.as_unit("s")),
        lambda: pd.Series([datetime.time(h % 24, h % 60) for h in range(n)], dtype=object),
    ]
    values = kinds[int(random.integers(len(kinds)))]()
    if random.random() < 0.3:
        values[random.random(n) < 0.2] = pd.NaT
    return values


def _nullable(random: Random, n: int) -> pd.Series:
    dtype = random.choice(["Int64", "UInt8", "Float64", "int64[pyarrow]", "double[pyarrow]"])
    values = pd.Series(random.integers(0, 9, n)).astype(dtype)
    if random.random() < 0.6:
        values[random.random(n) < 0.2] = pd.NA
    return values


def _sparse(random: Random, n: int) -> pd.Series:
    values = np.where(random.random(n) < 0.7, 0.0, random.normal(size=n).round(1))
    if random.random() < 0.3:
        values[random.random(n) < 0.1] = np.nan
    return pd.Series(pd.arrays.SparseArray(values, fill_value=random.choice([0.0, np.nan])))


def _objects(random: Random, n: int) -> pd.Series:
    kinds: list[list[Any]] = [
        [1, True, "x"],
        [b"a", b"b"],
        [decimal.Decimal("1.25"), decimal.Decimal("3")],
        [1, 2.5, None],
        [(1, 2), (3, 4)],
        ["a", 1, None],
        [2**70, 1],
        [frozenset([1]), frozenset([2])],
        [pd.Interval(0, 1), pd.Interval(1, 2)],
        [[1, 2], [3]],  # cannot be a level
        [1j, 2j],
    ]
    weights = np.array([1.0] * 9 + [0.15, 0.15])
    chosen = kinds[int(random.choice(len(kinds), p=weights / weights.sum()))]
    values = np.empty(n, dtype=object)
    for row, position in enumerate(random.integers(0, len(chosen), n)):
        values[row] = chosen[position]
    return pd.Series(values, dtype=object)


_COLUMNS = [
    _whole,
    _fractions,
    _fractions,
    _few,
    _constant,
    _strings,
    _strings,
    _identifiers,
    _categories,
    _logicals,
    _dates,
    _nullable,
    _sparse,
    _objects,
]
_NAMES: list[Any] = ["a", "b c", "", "ü", 0, 1, -3, ("t", 1), 2.5, "x" * 90, "$m$", "<i>", "label"]


def _texts(random: Random, n: int) -> pd.Series:
    texts: list[Any] = []
    for _ in range(n):
        pieces = random.choice(np.array(_PIECES, dtype=object), int(random.integers(0, 9)))
        texts.append(str(random.choice([" ", "", ", "])).join(pieces))
    if random.random() < 0.3:
        texts[0] = random.choice(np.array([None, np.nan, pd.NA, pd.NaT], dtype=object))
    if random.random() < 0.03:
        texts[-1] = random.choice(np.array([7, b"bytes", 1.5], dtype=object))
    values = pd.Series(texts, dtype=object)
    dtype = random.choice(np.array(["object", "string", "str", "string[pyarrow]"], dtype=object))
    with contextlib.suppress(TypeError, ValueError):  # Arrow has no lone surrogates
        return values.astype(dtype)
    return values


def _dummies(random: Random, n: int) -> list[pd.Series]:
    """Columns of 0 and 1, of which one is 1 in most rows."""
    levels = random.integers(0, 3, n)
    kinds = np.array(["int8", "bool", "float64", "object", "boolean", "category"], dtype=object)
    dtype = random.choice(kinds)
    several = random.random() < 0.1
    columns = [levels == place for place in range(int(random.integers(2, 4)))]
    if several:
        columns[0] = columns[0] | columns[1]
    return [pd.Series(column.astype(int)).astype(dtype) for column in columns]


def _of_several(random: Random, names: list[Any], n_dummies: int, n_texts: int) -> dict[str, Any]:
    """Options of `lime()` for columns that are explained by their words, or together."""
    others = names[: len(names) - n_dummies - n_texts]
    options: dict[str, Any] = {}
    groups: dict[str, list[Any]] = {}
    if n_dummies:
        groups["size"] = names[len(others) : len(others) + n_dummies]
    if len(others) > 1 and random.random() < 0.5:
        groups["a: the"] = others[: int(random.integers(2, len(others) + 1))]
    if groups:
        options["groups"] = groups
    if n_texts:
        texts = names[len(names) - n_texts :]
        options["text_columns"] = texts
        if random.random() < 0.5:
            cuts = [
                _TOKENIZATIONS[int(k)] for k in random.integers(0, len(_TOKENIZATIONS), n_texts)
            ]
            options["text_columns"] = dict(zip(texts, cuts, strict=True))
        options["keep_word_position"] = bool(random.random() < 0.2)
    return options


def _value(cell: Any) -> float:
    """A number from any cell, the same for equal cells."""
    if cell is None or cell is pd.NaT or cell is pd.NA or cell != cell:
        return 0.3
    if isinstance(cell, bool | int | float | np.number) and abs(cell) < 1e6:
        return float(np.tanh(float(cell)))
    return (sum(map(ord, str(cell))) % 17) / 17


def _of_rows(rows: pd.DataFrame) -> np.ndarray:
    frame = pd.DataFrame(rows)
    total = np.zeros(len(frame))
    for position in range(frame.shape[1]):
        codes, levels = pd.factorize(frame.iloc[:, position].astype(object), use_na_sentinel=False)
        total += np.array([_value(level) for level in levels])[codes] * (1 + position % 3)
    return 1 / (1 + np.exp(-total))


def table(random: Random) -> Trial:
    """A frame of random columns, and cases with levels, values and types of their own."""
    n = int(random.choice([1, 2, 5, 40]))
    makers = [_COLUMNS[int(k)] for k in random.integers(0, len(_COLUMNS), random.integers(1, 7))]
    n_texts = int(random.choice(3, p=[0.75, 0.2, 0.05]))
    makers += [_texts] * n_texts
    columns = [make(random, n) for make in makers]
    further = [make(random, 3) for make in makers]
    n_dummies = 0
    if random.random() < 0.2:
        coded, others = _dummies(random, n), _dummies(random, 3)
        n_dummies = len(coded)
        place = len(columns) - n_texts
        columns[place:place] = coded
        further[place:place] = [others[k % len(others)] for k in range(n_dummies)]
    names = [_NAMES[int(k)] for k in random.permutation(len(_NAMES))[: len(columns)]]
    if random.random() < 0.02:
        names[-1] = names[0]
    frame, fresh = pd.concat(columns, axis=1), pd.concat(further, axis=1)
    frame.columns = fresh.columns = pd.Index(names, dtype=object)
    source = frame if random.random() < 0.6 else fresh
    cases: Any = source.iloc[int(random.integers(len(source))) :].iloc[:3]
    is_row, is_reversed = random.random() < 0.15, random.random() < 0.1
    # pandas itself fails at some: a row of Arrow's whole numbers above 2^53 and, before pandas 3,
    # a row or another order of columns in the byte order of other machines.
    with contextlib.suppress(ValueError):
        if is_row:
            cases = cases.iloc[0]
        if is_reversed:
            cases = frame.iloc[:2, ::-1]
    classify = random.random() < 0.5
    model = as_classifier(_of_rows, ["no", "yes"]) if classify else as_regressor(_of_rows)
    lime_options: dict[str, Any] = {}
    if random.random() < 0.5:
        lime_options = {
            "bin_continuous": bool(random.random() < 0.6),
            "quantile_bins": bool(random.random() < 0.5),
            "use_density": bool(random.random() < 0.5),
            "n_bins": int(random.integers(2, 12)),
        }
    lime_options |= _of_several(random, names, n_dummies, n_texts)
    options = _shared(random)
    if n_texts and random.random() < 0.3:
        options["p_remove"] = [None, 0.1, 0.9][int(random.integers(3))]
    if random.random() < 0.3:
        options["dist_fun"] = random.choice(["gower", "euclidean", "manhattan", "cosine"])
    elif random.random() < 0.2:
        options |= {"sampling": "kernel", "kernel_width": float(random.choice([0.3, 1.0, 5.0]))}
    named = (*map(str, names), "size", "a: the")
    return Trial(frame, cases, model, lime_options, options, named)


def _shared(random: Random) -> dict[str, Any]:
    methods = ["auto", "none", "forward_selection", "highest_weights", "lasso_path", "tree"]
    further: list[dict[str, Any]] = [
        {},
        {"intervals": True, "contributions": True},
        {"quality": True, "n_calls": int(random.choice([0, 30]))},
        {"intervals": 0.5, "draws": "independent", "penalty": 0},
        {"max_permutations": 100},
    ]
    found = further[int(random.integers(len(further)))]
    shared = {
        "n_features": int(random.integers(1, 8)),
        "n_permutations": int(random.choice([20, 60, 150])),
        "feature_select": str(random.choice(methods)),
        "random_state": int(random.integers(1000)),
        **found,
    }
    if "max_permutations" in found:
        shared["n_permutations"] = "auto"
    return shared


# Texts

_TOKENIZATIONS: list[Any] = [
    *[None, str.split, r"\w+", ".", list, lambda text: text.lower().split("a")],
]
_PIECES = [
    *["the cat", "Film!", "don't", "re-use", "3.14", "http://a.b/c?d=e", "ÄÖÜ ß", "e\u0301"],
    *[
        "日本語",
        "今天天气",
        "ภาษาไทย",
        "שלום",
        "مرحبا",
        "🙂",
        "\U0001f469\u200d\U0001f467",
        "\u200b",
    ],
    *["\t", "\n\n", "  ", "<b>x</b>", "&amp;", "\x00", "\ud800", "a" * 300, "_x_", "$5", "..."],
    *["—", "½", "Ⅷ", "a\u00adb", "İ", "ﬁ"],
]


def _of_texts(texts: list[str]) -> list[float]:
    return [(len(text) % 23 + 5 * ("a" in text) + text.count(" ") % 7) / 40 for text in texts]


def text(random: Random) -> Trial:
    """Texts of words of many scripts, signs and spaces."""
    texts: list[Any] = []
    for _ in range(int(random.integers(1, 4))):
        pieces = random.choice(np.array(_PIECES, dtype=object), int(random.integers(0, 12)))
        texts.append(str(random.choice([" ", "", ", "])).join(pieces))
    if len(texts) > 1 and random.random() < 0.15:
        texts[0] = None
    data: Any = (
        texts
        if random.random() < 0.7
        else pd.Series(texts, list("xyz")[: len(texts)], dtype=object)
    )
    lime_options: dict[str, Any] = {"keep_word_position": bool(random.random() < 0.3)}
    if random.random() < 0.4:
        lime_options["tokenization"] = _TOKENIZATIONS[int(random.integers(1, len(_TOKENIZATIONS)))]
    options = _shared(random) | {"single_explanation": bool(random.random() < 0.2)}
    classify = random.random() < 0.6
    model = as_classifier(_of_texts, ["no", "yes"]) if classify else as_regressor(_of_texts)
    return Trial(data, data, model, lime_options, options)


# Images


def _of_images(images: Any) -> list[float]:
    values = []
    for image in images:
        opened = Image.open(image) if isinstance(image, str) else image
        pixels = np.asarray(opened, dtype=np.float64)
        left = pixels[:, : max(pixels.shape[1] // 2, 1)].mean()
        values.append(float(np.tanh(left / 300) ** 2))
    return values


SIDES = [0.03, 0.04, 0.13, 0.4, 0.4]


def image(random: Random, folder: str) -> Trial:
    """Images of odd sizes, channels, types and files."""
    height, width = (int(k) for k in random.choice([1, 2, 9, 24, 40], 2, p=SIDES))
    shares = [0.3, 0.4, 0.15, 0.05, 0.05, 0.05]
    channels = [(), (3,), (4,), (1,), (2,), (7,)][int(random.choice(6, p=shares))]
    pixels = random.integers(0, 256, (height, width, *channels), dtype=np.uint8)
    if random.random() < 0.3:
        pixels = np.full_like(pixels, int(random.integers(256)))
    data: Any = pixels
    lime_options: dict[str, Any] = {}
    way = random.random()
    if way < 0.2 and channels in ((), (3,), (4,)):
        data = Image.fromarray(pixels)
        modes = ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "YCbCr"]
        data = data.convert(str(random.choice(modes)))
    elif way < 0.5 and channels in ((), (3,), (4,)):
        ending = str(random.choice(["png", "gif", "bmp", "tif", "jpg", "webp"]))
        data = f"{folder}/{int(random.integers(10**9))}.{ending}"
        opened = Image.fromarray(pixels)
        opened.convert("RGB" if ending in ("jpg", "bmp") else opened.mode).save(data)
        if random.random() < 0.1:
            with open(data, "r+b") as file:
                file.truncate(int(random.integers(0, 60)))
    elif way < 0.6:
        kinds = [pixels / 255.0, pixels.astype(np.float32), pixels.astype(np.int64), pixels > 99]
        data = kinds[int(random.integers(len(kinds)))]
        lime_options = {"kind": "image"}
    elif way < 0.7:
        data = [pixels, np.zeros((2, 3, 3), np.uint8)]
    backgrounds: list[Any] = ["grey", "black", "none", (1, 2, 3), "#12345678"]
    options = _shared(random) | {
        "n_superpixels": int(random.choice([1, 2, 8, 30], p=[0.05, 0.1, 0.35, 0.5])),
        "weight": float(random.choice([0.5, 20, 300], p=[0.1, 0.3, 0.6])),
        "p_remove": float(random.choice([0.1, 0.5, 0.95])),
        "batch_size": int(random.choice([1, 7, 64])),
        "background": backgrounds[int(random.choice(5, p=[0.5, 0.2, 0.1, 0.1, 0.1]))],
    }
    if options["n_permutations"] == "auto":
        options["max_permutations"] = 40
    else:
        options["n_permutations"] = int(random.choice([20, 40]))
    model = as_classifier(_of_images, ["no", "yes"])
    if random.random() < 0.4:
        model = as_regressor(_of_images)
    return Trial(data, data, model, lime_options, options)
