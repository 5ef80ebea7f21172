"""
Long runs: batch by batch into a folder, resumed where they stopped.

A folder contains a manifest, which is written first and describes the run, and a file per batch,
which is written whole and has a digest of the manifest and of its cases. So however a run ends,
the next call detects which batches are done and that they belong to the same run.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sized
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
from PIL import Image

from pylime import checks
from pylime._types import Input, RandomState
from pylime._version import __version__
from pylime.errors import CaseError, CaseWarning
from pylime.explainers import explain_request, make_request
from pylime.files.cells import JSON, Cell, CellCoder
from pylime.files.journal import MANIFEST, add_part, finish, read_journal, run_identity
from pylime.files.storage import ANY_PART, PART, need_pyarrow, new_file, read_origin, write_part
from pylime.frame import assemble
from pylime.models.generics import class_name
from pylime.options import RunOptions
from pylime.pipeline import Cases, Explainer, InputKind, read_cases
from pylime.progress import progress_bar
from pylime.request import Request
from pylime.seeds import seed_words

__all__ = ["explain_to_parquet"]

_FORMAT = "pylime run"
_VERSION = 1
# A model is recognised by its explanation of one case from so many permutations; of the first
# few cases, the first that can be explained.
_PROBE_PERMUTATIONS = 100
_PROBE_CASES = 5
# Tolerances: the same model can return slightly different numbers on another machine.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-6
# Of longer arrays, such as the segments of an image, a manifest has a digest.
_LONG = 10_000
# So does it of longer lists, such as which training rows a group remembers.
_MANY = 100
# Arguments that do not change the result of a run, or are compared in another way.
_NOT_SETTINGS = ("plain", "random_state", "n_jobs", "progress", "on_error")


def explain_to_parquet(
    frames: Iterable[Input],
    explainer: Explainer,
    path: str | os.PathLike[str],
    *,
    random_state: RandomState = None,
    progress: bool | None = None,
    **arguments: "Unpack[RunOptions]",
) -> list[Path]:
    """
    Explain many batches of cases, each into a file; resume where a previous run stopped.

    Each batch becomes a file, `part-00000.parquet` and so on, which appears only when it is
    complete. If a run is killed, call it again with the same arguments: it keeps the files that
    exist, and the rows are the same as those of an uninterrupted run.

    Parameters
    ----------
    frames
        Batches, each something that `pylime.explain` takes: data frames, lists of texts, lists
        of paths of images. To resume, pass the same batches in the same order; more may follow.
    explainer
        From `pylime.lime`.
    path
        A folder, which is created if it does not exist. Only one run at a time may write to it.
    random_state
        As in `pylime.explain`. By default it is drawn once and stored in the folder.
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
        If the folder contains parts of another run: with another seed, setting, model, data
        or version. A changed model is detected by its predictions for permutations of the
        first case. If these vary from call to call, the check is skipped.
    TypeError
        If `frames` is not an iterable of batches, or as `pylime.explain` raises.
    ImportError
        If pyarrow is missing: `pip install 'tidylime[parquet]'`.

    Notes
    -----
    Cases without names, such as texts in a list, are identified by their position among the
    cases of all batches. If no case of a batch can be explained, its file has no rows, and a
    warning names the batch.

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
            "`frames` must be an iterable of batches, such as a list of data frames; not "
            f"{type(frames).__name__}. Put a single batch into a list."
        )
    batches = _several_each(frames)
    first = next(batches, None)
    if first is None:
        raise ValueError("There is nothing to explain: `frames` has no batches.")
    if arguments.get("plain"):
        raise TypeError(
            "explain_to_parquet() has no option 'plain': its files keep the cells as they are. "
            "`explain_batches(..., plain=True)` gives plain data frames."
        )
    need_pyarrow()
    folder = Path(path)
    stored = _read_manifest(folder)
    seed = _seed_number(random_state)
    if stored is not None and random_state is None:
        seed = stored.get("seed")
    request = make_request(explainer, random_state=seed, progress=progress, **arguments)
    given = read_cases(first, explainer.kind)
    run = _describe_run(explainer, request, given)
    if stored is None:
        # A model whose predictions vary from call to call cannot be recognised by them.
        again = _behaviour(explainer, request, given)
        if not _alike(run["behaviour"], again):
            run["behaviour"] = None
        _start(folder, run)
    else:
        _check_same(folder, stored, run)
    for unfinished in [*folder.glob(f".{ANY_PART}.*.tmp"), *folder.glob(f".{MANIFEST}.*.tmp")]:
        unfinished.unlink()  # left by a run that was killed
    identity = run_identity(folder)
    journal = read_journal(folder)
    total = len(frames) if isinstance(frames, Sized) else None
    parts: list[Path] = []
    n_before = 0
    names: set[Hashable] = set()
    repeated: Hashable = None
    with progress_bar(progress, total, "batch") as report:
        for number, batch in enumerate(chain([first], batches)):
            given = read_cases(batch, explainer.kind)
            part = folder / PART.format(number)
            origin = f"{identity} {_digest(given, explainer.kind)}"
            done = _is_done(part, origin) and journal.is_as_written(part)
            if not done:
                explanation = _explain_numbered(batch, explainer, request, number)
                if _is_unnamed(batch, given):
                    explanation["case"] += n_before
                write_part(explanation, part, origin)
            if not done or part.name not in journal.digests:
                add_part(folder, part)
            if not _is_unnamed(batch, given):
                repeated = next((name for name in given.names if name in names), repeated)
                names.update(given.names)
            n_before += len(given.names)
            parts.append(part)
            report(1)
    journal = read_journal(folder)
    if journal.finished is None:
        finish(folder, len(journal.digests))
    if repeated is not None:
        checks.warn(
            f"Several batches have cases of the same name, such as {repeated!r}; plots treat them "
            "as one case. Give the batches an index without repeats."
        )
    return parts


def _several_each(frames: Iterable[Input]) -> Iterator[Input]:
    """Return the batches; raise at one that is a single text or path."""
    for number, batch in enumerate(frames):
        if isinstance(batch, str | os.PathLike):
            raise TypeError(
                f"`frames` must be batches of cases; batch {number} is a single text or path. Put "
                "the cases of each batch into a list."
            )
        yield batch


def _seed_number(random_state: RandomState) -> int:
    """Turn a seed into one whole number, which JSON can store; a whole number stays as it is."""
    return sum(word << (32 * place) for place, word in enumerate(seed_words(random_state)))


def _explain_numbered(
    batch: Input, explainer: Explainer, request: Request, number: int
) -> pd.DataFrame:
    """Explain one batch of a run; without rows, and with a warning, if no case can be explained."""
    try:
        return explain_request(batch, explainer, request)
    except CaseError as error:  # no case can be explained, but cases of other batches may
        if request.on_error == "raise":
            error.add_note(f"(in batch {number} of explain_to_parquet())")
            raise
        checks.warn(f"No case of batch {number} can be explained. {error}", CaseWarning)
        return assemble([], request)
    except Exception as error:
        error.add_note(f"(in batch {number} of explain_to_parquet())")
        raise


def _is_unnamed(batch: Input, given: Cases) -> bool:
    """Whether the names of the cases are their positions in the batch."""
    if isinstance(given.names, range):
        return True
    return hasattr(given, "frame") and not isinstance(batch, pd.DataFrame | pd.Series)


def _is_done(part: Path, origin: str) -> bool:
    """Whether a part exists and is complete; raise if its origin is another."""
    if not part.exists():
        return False
    try:
        found = read_origin(part)
    except ValueError:  # truncated or damaged: it is written again
        return False
    if found != origin:
        raise ValueError(
            f"{part} contains an explanation of other cases than this batch, or belongs to another "
            "run. Pass the same batches in the same order, or use another folder."
        )
    return True


# The manifest


def _describe_run(explainer: Explainer, request: Request, given: Cases) -> dict[str, JSON]:
    """Collect what must be the same for all parts of a run."""
    model = getattr(explainer.model, "model", explainer.model)
    general = {field.name for field in fields(Explainer)} | {"columns", "header"}
    run: dict[str, Any] = {
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
            **({} if request.exact == "never" else {"exact": request.exact}),
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
    run["settings"].pop("batch_size", None)  # rows do not depend on it
    return json.loads(json.dumps(_comparable(run)))


def _comparable(value: object) -> JSON:
    """Encode a value to compare it: functions and other objects by their names."""
    if isinstance(value, dict):
        return {str(name): _comparable(part) for name, part in value.items()}
    if isinstance(value, Image.Image) or (isinstance(value, np.ndarray) and value.size > _LONG):
        pixels = np.asarray(value)
        head = repr((getattr(value, "mode", ""), pixels.dtype.str, pixels.shape))
        return hashlib.sha256(head.encode() + pixels.tobytes()).hexdigest()
    if isinstance(value, np.ndarray | pd.Series | pd.Index):
        value = value.tolist()
    if isinstance(value, float) and np.isfinite(value):
        return float(f"{value:.9g}")  # the last digits depend on the machine
    if isinstance(value, list):
        parts = [_comparable(part) for part in value]
        return parts if len(parts) <= _MANY else _digest_of(parts)
    if isinstance(value, pd.DataFrame):
        columns = [value.iloc[:, place] for place in range(value.shape[1])]
        return _digest_of([_comparable(column) for column in columns])
    if is_dataclass(value) and not isinstance(value, type):
        return _comparable(vars(value))
    try:
        return CellCoder().encode(value)
    except (TypeError, ValueError):
        if isinstance(value, tuple):  # of arrays
            return [_comparable(part) for part in value]
        name = getattr(value, "pattern", None) or getattr(value, "__qualname__", None)
        return name or (str(value) if isinstance(value, np.dtype) else class_name(value))


def _digest_of(value: JSON) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _training_data(explainer: Explainer) -> str:
    """Compute a digest of what the explainer has learnt of each column of the training data."""
    facts = [
        _comparable([str(column.dtype), {**vars(column), "dtype": None, "sampler": None}])
        for column in getattr(explainer, "columns", ())
    ]
    return _digest_of(facts)


def _behaviour(explainer: Explainer, request: Request, given: Cases) -> dict[str, JSON] | None:
    """
    Explain the first case that can be explained, from few permutations.

    The explanation depends on the model, `preprocess`, the training data and the tokenization, so
    it detects changes of functions that cannot be compared in another way.
    """
    few = min(request.n_permutations, _PROBE_PERMUTATIONS)
    request = replace(
        request,
        n_permutations=few,
        max_permutations=None,
        exact="never",
        intervals=False,
        quality=False,
        n_calls=0,
        progress=False,
    )
    for position in range(min(len(given.names), _PROBE_CASES)):
        taken: Any = given.take([position])
        case = getattr(taken, "items", None) or taken.frame
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
            "rows": [[str(cell) for cell in row] for row in found[names].to_numpy()],
            "numbers": [[float(f"{x:.6g}") for x in row] for row in numbers.to_numpy().tolist()],
        }
    return None


def _alike(one: Mapping[str, JSON] | None, other: Mapping[str, JSON] | None) -> bool:
    """Whether two results of `_behaviour` agree, or one is unknown."""
    if one is None or other is None:
        return True
    return one["rows"] == other["rows"] and np.allclose(
        one["numbers"], other["numbers"], _RELATIVE, _ABSOLUTE
    )


def _start(folder: Path, run: Mapping[str, JSON]) -> None:
    """Create the folder and write the manifest."""
    if next(folder.glob(ANY_PART), None) is not None:
        raise ValueError(
            f"The folder {folder} contains parts of a run but no {MANIFEST}, which describes it; "
            "use another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with new_file(folder / MANIFEST) as file:
        file.write((json.dumps(run, indent=1) + "\n").encode())


def _read_manifest(folder: Path) -> dict[str, JSON] | None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`path` must be a folder; {folder} is a file.")
    try:
        run = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{folder / MANIFEST} is damaged: {error}.") from error
    if not isinstance(run, dict) or run.get("format") != _FORMAT:
        raise ValueError(
            f"{folder / MANIFEST} was not written by explain_to_parquet(); use another folder."
        )
    return run


def _check_same(folder: Path, stored: Mapping[str, JSON], run: Mapping[str, JSON]) -> None:
    """Raise if a folder belongs to another run."""
    differences = list(_differences(stored, run))
    if not differences:
        return
    raise ValueError(
        f"The folder {folder} contains another run, and runs must not be mixed: "
        f"{'; '.join(differences)}. Pass the same arguments again, or use another folder."
    )


_DIFFERENCES = {
    "behaviour": "the model, `preprocess` or the tokenization returns something else for the first "
    "case",
    "training_data": "the explainer was made from other training data",
    "first_batch": "the first batch has other cases",
}


def _differences(stored: Mapping[str, JSON], run: Mapping[str, JSON]) -> Iterator[str]:
    """Describe in words how two runs differ."""
    for name in {**stored, **run}:
        before, now = stored.get(name), run.get(name)
        if name == "behaviour":
            # With other settings another behaviour is expected.
            settled = all(stored.get(key) == run[key] for key in run if key != name)
            if settled and not _alike(before, now):
                yield _DIFFERENCES[name]
        elif isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now)
        elif before != now:
            yield _DIFFERENCES.get(name) or f"`{name}` was {before!r:.80} and is {now!r:.80}"


def _digest(given: Cases, kind: InputKind) -> str:
    """Compute a digest of the cases of a batch and of their names."""
    digest = hashlib.sha256(_digestible(list(given.names)))
    cases: Any = given
    if hasattr(cases, "frame"):
        for name, column in cases.frame.items():
            digest.update(_digestible([name, str(column.dtype)]))
            plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
            digest.update(column.to_numpy().tobytes() if plain else _digestible(column.tolist()))
        return digest.hexdigest()
    if not hasattr(cases, "items"):
        raise TypeError(
            f"explain_to_parquet() takes kinds whose cases have `items`, such as a CaseList; those "
            f"of the kind {kind.name!r} are a {type(cases).__name__}."
        )
    for item in cases.items:
        if kind.name == "image" and isinstance(item, str | os.PathLike):
            digest.update(hashlib.sha256(Path(item).read_bytes()).digest())
        elif item is None or isinstance(item, str):
            digest.update(_digestible(item))
        elif np.asarray(item).dtype == object:
            digest.update(_digestible(np.asarray(item).tolist()))
        else:
            pixels = np.asarray(item)
            digest.update(repr((getattr(item, "mode", ""), pixels.shape)).encode())
            digest.update(pixels.tobytes())
    return digest.hexdigest()


def _digestible(cells: Cell) -> bytes:
    """Encode cells of the input as bytes."""
    try:
        return json.dumps(CellCoder().encode(cells)).encode()
    except TypeError as error:
        raise TypeError(f"In the cases, {error}.") from error
