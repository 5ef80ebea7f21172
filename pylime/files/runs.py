"""
Long runs: batch by batch into a folder, to go on where they were ended.

A folder holds a manifest, which is written first and says what is done here, and a file per
batch, which is written whole and says of which cases it is. So whatever ends a run, the
next one finds out what is there, and that it belongs together.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sized
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._version import __version__
from pylime.errors import CaseError, CaseWarning
from pylime.explainers import explain_request, make_request
from pylime.files.cells import CellCoder
from pylime.files.storage import PART, need_pyarrow, new_file, read_origin, write_part
from pylime.frame import assemble
from pylime.models.generics import class_name
from pylime.pipeline import Explainer, InputKind, read_cases
from pylime.progress import progress_bar
from pylime.request import Request
from pylime.seeds import seed_words

__all__ = ["explain_to_parquet"]

_MANIFEST = "manifest.json"
_PARTS = PART.replace("{:05d}", "*")
_FORMAT = "pylime run"
_VERSION = 1
# Permutations of one case by which a model is known again, and how many cases are tried.
_PROBE_PERMUTATIONS = 100
_PROBE_CASES = 5
# How far the same model may be off on another machine.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-6
# What is the same for a run whatever these are.
_NOT_SETTINGS = ("random_state", "n_jobs", "progress", "on_error")


def explain_to_parquet(
    frames: Iterable[Any],
    explainer: Explainer,
    path: str | os.PathLike[str],
    *,
    random_state: Any = None,
    progress: bool | None = None,
    **arguments: Any,
) -> list[Path]:
    """
    Explain many batches of cases, each into a file; run again, go on where it was ended.

    Each batch becomes a file, `part-00000.parquet` and so on, which appears when it is
    complete. A run that was killed is called again with the same arguments: what is there
    is kept, and the rows are those of a run that was never ended.

    Parameters
    ----------
    frames
        Batches one after another, each something that `pylime.explain` takes: data
        frames, lists of texts, lists of paths of images. When run again, the same in the
        same order; more may follow.
    explainer
        From `pylime.lime`.
    path
        A folder, which is made if it does not exist. One run at a time may write into it.
    random_state
        As of `pylime.explain`. Without: drawn once, and kept in the folder.
    progress
        Whether to show a progress bar over the batches, and one for each; by default on long
        work in a terminal or notebook.
    **arguments
        Further arguments of `pylime.explain`, such as `n_features` and `n_jobs`.

    Returns
    -------
    list of pathlib.Path
        The files in the order of the batches. `read_explanation(path)` reads all of them
        into one frame.

    Raises
    ------
    ValueError
        If the folder holds parts of another run: with another seed, setting, model, data or
        version. A model counts as another if it says something else of permutations of
        the first case, so one that never says the same twice is not told apart.
    TypeError
        If `frames` are no batches, or as `pylime.explain` raises.
    ImportError
        If pyarrow is missing: `pip install 'tidylime[parquet]'`.

    Notes
    -----
    Cases without a name of their own, as texts in a list, are called by their position among
    those of all batches. Of a batch of which no case can be explained the file is without
    rows, and a warning says so.

    Examples
    --------
    >>> import tempfile
    >>> from pylime import as_regressor, lime, read_explanation
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0], "city": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = explain_to_parquet([rows[:2], rows[2:]], explainer, folder, random_state=1)
    ...     explanation = read_explanation(folder)
    >>> [file.name for file in files]
    ['part-00000.parquet', 'part-00001.parquet']
    >>> explanation["case"].unique().tolist()
    [0, 1, 2, 3]
    """
    if not isinstance(explainer, Explainer):
        raise TypeError(f"`explainer` must come from lime(); not {type(explainer).__name__}.")
    if isinstance(frames, pd.DataFrame | pd.Series | np.ndarray | str) or not np.iterable(frames):
        raise TypeError(
            "`frames` must be batches one after another, such as a list of data frames; not "
            f"{type(frames).__name__}. Put a single one into a list."
        )
    batches = _checked(frames)
    first = next(batches, None)
    if first is None:
        raise ValueError("There is nothing to explain: `frames` has no batches.")
    need_pyarrow()
    folder = Path(path)
    stored = _read_manifest(folder)
    seed = _one_number(random_state)
    if stored is not None and random_state is None:
        seed = stored.get("seed")
    request = make_request(explainer, random_state=seed, progress=progress, **arguments)
    given = read_cases(first, explainer.kind)
    run = _describe_run(explainer, request, given)
    if stored is None:
        # A model that does not return the same twice could not be recognised.
        again = _behaviour(explainer, request, given)
        if not _alike(run["behaviour"], again):
            run["behaviour"] = None
        _start(folder, run)
    else:
        _check_same(folder, stored, run)
    for unfinished in [*folder.glob(f".{_PARTS}.*.tmp"), *folder.glob(f".{_MANIFEST}.*.tmp")]:
        unfinished.unlink()  # of a run that was killed
    identity = hashlib.sha256((folder / _MANIFEST).read_bytes()).hexdigest()
    total = len(frames) if isinstance(frames, Sized) else None
    parts: list[Path] = []
    n_before = 0
    names: set[Hashable] = set()
    twice: Hashable = None
    with progress_bar(progress, total, "batch") as report:
        for number, batch in enumerate(chain([first], batches)):
            given = read_cases(batch, explainer.kind)
            part = folder / PART.format(number)
            origin = f"{identity} {_digest(given, explainer.kind)}"
            if not _is_done(part, origin):
                explanation = _explain_batch(batch, explainer, request, number)
                if _is_unnamed(batch, given):
                    explanation["case"] += n_before
                write_part(explanation, part, origin)
            if not _is_unnamed(batch, given):
                twice = next((name for name in given.names if name in names), twice)
                names.update(given.names)
            n_before += len(given.names)
            parts.append(part)
            report(1)
    if twice is not None:
        checks.warn(
            f"Several batches have cases of the same name, such as {twice!r}; plots take these for "
            "one. Give the batches an index that goes on from one to the next."
        )
    return parts


def _checked(frames: Iterable[Any]) -> Iterator[Any]:
    for number, batch in enumerate(frames):
        if isinstance(batch, str | os.PathLike):
            raise TypeError(
                f"`frames` must be batches of cases; batch {number} is a single text or path. Put "
                "those that belong to one batch into a list."
            )
        yield batch


def _one_number(random_state: Any) -> int:
    """A seed that can be written down; a whole number is itself."""
    return sum(word << (32 * place) for place, word in enumerate(seed_words(random_state)))


def _explain_batch(batch: Any, explainer: Explainer, request: Request, number: int) -> pd.DataFrame:
    try:
        return explain_request(batch, explainer, request)
    except CaseError as error:  # of all cases: the other batches may have better ones
        checks.warn(f"Of batch {number} nothing is explained. {error}", CaseWarning)
        return assemble([], request.model_type)
    except Exception as error:
        error.add_note(f"(in batch {number} of explain_to_parquet())")
        raise


def _is_unnamed(batch: Any, given: Any) -> bool:
    """Whether cases are called by their position in the batch."""
    if isinstance(given.names, range):
        return True
    return hasattr(given, "frame") and not isinstance(batch, pd.DataFrame | pd.Series)


def _is_done(part: Path, origin: str) -> bool:
    """Whether a part is there and whole; raises if it is of other cases."""
    if not part.exists():
        return False
    try:
        found = read_origin(part)
    except ValueError:  # cut off, or its checksums do not fit: it is made again
        return False
    if found != origin:
        raise ValueError(
            f"{part} holds an explanation of other cases than this batch has now, or of another "
            "run. `frames` must be the same batches in the same order; or use another folder."
        )
    return True


# The manifest


def _describe_run(explainer: Explainer, request: Request, given: Any) -> dict[str, Any]:
    """What must be the same for all parts of a run, as JSON."""
    model = getattr(explainer.model, "model", explainer.model)
    general = {field.name for field in fields(Explainer)} | {"columns", "header"}
    run = {
        "format": _FORMAT,
        "version": _VERSION,
        "pylime": __version__,
        "seed": request.random_state,
        "settings": {
            **{
                name: getattr(request, name)
                for name in checks.arguments_of(Request)
                if name not in _NOT_SETTINGS
            },
            **vars(request.options),
        },
        "explainer": {
            "input": explainer.kind.plural,
            **{
                field.name: getattr(explainer, field.name)
                for field in fields(explainer)
                if field.name not in general
            },
        },
        "training_data": _training_data(explainer),
        "model": class_name(model),
        "first_batch": _digest(given, explainer.kind),
        "behaviour": _behaviour(explainer, request, given),
    }
    return json.loads(json.dumps(_plain(run)))


def _plain(value: Any) -> Any:
    """As JSON, for comparison only: what has no such form is known by its name."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        value = value.tolist()
    if isinstance(value, float) and np.isfinite(value):
        return float(f"{value:.9g}")  # the last digits are another machine's
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(vars(value))
    try:
        return CellCoder().encode(value)
    except (TypeError, ValueError):
        name = getattr(value, "pattern", None) or getattr(value, "__qualname__", None)
        return name or (str(value) if isinstance(value, np.dtype) else class_name(value))


def _training_data(explainer: Explainer) -> str:
    """A digest of what is remembered of each column of the training data."""
    facts = [
        _plain([str(column.dtype), {**vars(column), "dtype": None, "sampler": None}])
        for column in getattr(explainer, "columns", ())
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _behaviour(explainer: Explainer, request: Request, given: Any) -> dict[str, Any] | None:
    """
    The explanation of the first case that can be explained, from few permutations.

    It depends on the model, on `preprocess`, on the training data and on what splits texts into
    words, also where these are functions of which nothing else is known.
    """
    few = min(request.n_permutations, _PROBE_PERMUTATIONS)
    request = replace(request, n_permutations=few, progress=False)
    for position in range(min(len(given.names), _PROBE_CASES)):
        case = given.take([position])
        case = getattr(case, "items", None) or case.frame
        if getattr(given, "array_type", None) is not None:
            case = case.to_numpy()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the run itself warns
                found = explain_request(case, explainer, request)
        except CaseError:
            continue
        names = [name for name in ("label", "feature") if name in found]
        numbers = found.select_dtypes("float")
        return {
            "rows": found[names].astype(str).to_numpy().tolist(),
            "numbers": [[float(f"{x:.6g}") for x in row] for row in numbers.to_numpy().tolist()],
        }
    return None


def _alike(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether the behaviour is the same, or is not known."""
    if one is None or other is None:
        return True
    return one["rows"] == other["rows"] and np.allclose(
        one["numbers"], other["numbers"], _RELATIVE, _ABSOLUTE
    )


def _start(folder: Path, run: Mapping[str, Any]) -> None:
    """Make the folder and write down what is done there."""
    if next(folder.glob(_PARTS), None) is not None:
        raise ValueError(
            f"The folder {folder} holds parts of a run but no {_MANIFEST} that says of which; use "
            "another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with new_file(folder / _MANIFEST) as file:
        file.write((json.dumps(run, indent=1) + "\n").encode())


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`path` must be a folder; {folder} is a file.")
    try:
        run = json.loads((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{folder / _MANIFEST} is damaged: {error}.") from error
    if not isinstance(run, dict) or run.get("format") != _FORMAT:
        raise ValueError(
            f"{folder / _MANIFEST} is not of explain_to_parquet(); use another folder."
        )
    return run


def _check_same(folder: Path, stored: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Raise if a folder is of another run."""
    differences = list(_differences(stored, run))
    if not differences:
        return
    raise ValueError(
        f"The folder {folder} holds another run, and results must not be mixed: "
        f"{'; '.join(differences)}. Use the same again, or another folder."
    )


_WORDS = {
    "behaviour": "the model, `preprocess` or the tokenization returns something else for the first "
    "case",
    "training_data": "the explainer was made from other training data",
    "first_batch": "the first batch has other cases",
}


def _differences(stored: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[str]:
    for name in {**stored, **run}:
        before, now = stored.get(name), run.get(name)
        if name == "behaviour":
            # With other settings, of course, it says something else.
            settled = all(stored.get(key) == run[key] for key in run if key != name)
            if settled and not _alike(before, now):
                yield _WORDS[name]
        elif isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now)
        elif before != now:
            yield _WORDS.get(name) or f"`{name}` was {before!r:.80} and is {now!r:.80}"


def _digest(given: Any, kind: InputKind) -> str:
    """A digest of the cases of a batch and of their names."""
    known = hashlib.sha256(_encoded(list(given.names)))
    if hasattr(given, "frame"):
        for name, column in given.frame.items():
            known.update(_encoded([name, str(column.dtype)]))
            plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
            known.update(column.to_numpy().tobytes() if plain else _encoded(column.tolist()))
        return known.hexdigest()
    for item in given.items:
        if kind.name == "image" and isinstance(item, str | os.PathLike):
            known.update(hashlib.sha256(Path(item).read_bytes()).digest())
        elif item is None or isinstance(item, str):
            known.update(_encoded(item))
        else:
            pixels = np.asarray(item)
            known.update(repr((getattr(item, "mode", ""), pixels.shape)).encode())
            known.update(pixels.tobytes())
    return known.hexdigest()


def _encoded(cells: Any) -> bytes:
    try:
        return json.dumps(CellCoder().encode(cells)).encode()
    except TypeError as error:
        raise TypeError(f"In the cases {error}.") from error
