"""What goes wrong: models that raise at some cases, dead workers, interrupts."""

import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import TESTS

from pylime import as_classifier, as_regressor, explain, lime
from pylime.errors import CaseError
from pylime.folders import temporary_folder

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame({"a": RANDOM.normal(size=60), "b": RANDOM.normal(size=60)})
TABLE.index = [f"row {number}" for number in range(60)]
TEXTS = [f"A warm cat number {number} sat on {number % 3} mats" for number in range(6)]
PICTURES = [RANDOM.integers(0, 255, (20, 24, 3), dtype=np.uint8) for _ in range(6)]
SMALL = {"n_permutations": 60, "random_state": 1}


class OddError(Exception):
    """One that pickle can write but not read."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def raise_at(values, failing):
    if failing.any():
        raise OddError("this", "that")
    return values


def of_rows(rows):
    return raise_at(rows["a"].to_numpy() + rows["b"].to_numpy(), rows["b"].to_numpy() > 1e5)


def of_texts(texts):
    values = np.array([len(text) + text.count("cat") for text in texts], dtype=float)
    return raise_at(values, np.array(["bad" in text for text in texts]))


def of_pictures(pictures):
    values = pictures.astype(float).mean(axis=(1, 2, 3))
    return raise_at(values, np.array([pictures.shape[1] == 21]))


def table_cases(*failing):
    cases = TABLE.head(6).copy()
    cases.iloc[list(failing), 1] = 1e6
    return cases


def text_cases(*failing):
    texts = [f"bad {text}" if n in failing else text for n, text in enumerate(TEXTS)]
    return pd.Series(texts, index=TABLE.index[:6])


def picture_cases(*failing):
    return [np.zeros((21, 24, 3), np.uint8) if n in failing else p for n, p in enumerate(PICTURES)]


INPUTS = {
    "table": (TABLE, of_rows, table_cases, {}),
    "texts": (TEXTS, of_texts, text_cases, {}),
    "pictures": (PICTURES, of_pictures, picture_cases, {"n_superpixels": 8}),
}


@pytest.fixture(params=INPUTS)
def given(request):
    data, model, cases, options = INPUTS[request.param]
    names = range(6) if request.param == "pictures" else TABLE.index[:6]
    return lime(data, as_regressor(model)), cases, list(names), SMALL | options


# Errors


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cases_that_the_model_refuses_are_named_and_the_others_kept(given, n_jobs):
    explainer, cases, names, options = given
    whole = explain(cases(), explainer, **options)
    with pytest.warns(UserWarning, match="2 of 6 cases could not") as caught:
        some = explain(cases(0, 3), explainer, n_jobs=n_jobs, **options)
    said = str(caught[0].message)
    assert f"{names[0]}: OddError: this and that; {names[3]}: OddError: this and that" in said
    expected = whole[~whole["case"].isin([names[0], names[3]])].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_first_case_that_the_model_refuses_can_stop_the_call(given, n_jobs):
    explainer, cases, names, options = given
    with pytest.raises(CaseError, match=re.escape(f"Case {names[3]!r} cannot be")) as caught:
        explain(cases(3), explainer, n_jobs=n_jobs, on_error="raise", **options)
    cause = caught.value.__cause__
    assert str(cause).endswith("this and that")
    if n_jobs == 1:
        assert isinstance(cause, OddError)
    else:
        assert "in raise_at" in "\n".join(cause.__notes__)


def test_what_the_model_raises_at_every_case_comes_through(given):
    explainer, cases, names, options = given
    with pytest.raises(OddError, match="this and that") as caught:
        explain(cases(*range(6)), explainer, **options)
    assert f"case {names[0]!r}, the first of 6" in caught.value.__notes__[-1]


def test_what_asks_too_much_is_no_fault_of_cases(given):
    explainer, cases, _, options = given
    model = as_classifier(lambda x: np.full((len(x), 2), 0.5))
    calls = []
    explainer = type(explainer)(**{**vars(explainer), "model": model, "preprocess": _count(calls)})
    with pytest.raises(ValueError, match="`labels` must be among"):
        explain(cases(), explainer, labels="nobody", **options)
    assert len(calls) == 1


def _count(calls):
    def preprocess(cases):
        calls.append(len(cases))
        return cases

    return preprocess


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_what_ends_a_process_is_not_kept(given, error):
    explainer, cases, _, options = given

    def stop(cases):
        raise error

    explainer = type(explainer)(**{**vars(explainer), "preprocess": stop})
    with pytest.raises(error):
        explain(cases(), explainer, **options)


def test_on_error_is_checked(given):
    explainer, cases, _, options = given
    with pytest.raises(ValueError, match="`on_error` must be one of 'warn', 'raise'; not 'ignore'"):
        explain(cases(), explainer, on_error="ignore", **options)


def test_the_error_of_a_case_keeps_its_reason_when_pickled():
    try:
        raise KeyError("x")
    except KeyError as error:
        failure = CaseError.of("a", error)
    again = pickle.loads(pickle.dumps(failure))
    assert (str(again), again.case) == ("KeyError: 'x'", "a")
    # Dask makes pickle put the original in place of the cause; `reason` is always ours.
    assert isinstance(again.reason, KeyError)
    assert "raise KeyError" in again.reason.__notes__[0]


# Processes


def dies_once(rows):
    """Kills its process, the first time that row 5 comes."""
    marker = Path(os.environ["PYLIME_TEST_MARKER"])
    if (rows["a"] == TABLE["a"].iloc[5]).any() and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return rows["a"].to_numpy() + rows["b"].to_numpy()


def dies_always(rows):
    if (rows["a"] == TABLE["a"].iloc[5]).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return rows["a"].to_numpy() + rows["b"].to_numpy()


@pytest.fixture
def marker(tmp_path, monkeypatch):
    monkeypatch.setenv("PYLIME_TEST_MARKER", str(tmp_path / "died"))
    return tmp_path / "died"


@pytest.fixture
def fresh_workers():
    """Workers that know this test's environment."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@pytest.mark.linux
def test_a_killed_worker_costs_nothing_but_time(marker, fresh_workers):
    expected = explain(TABLE.head(16), lime(TABLE, as_regressor(of_rows)), **SMALL)
    explainer = lime(TABLE, as_regressor(dies_once), probe=False)
    found = explain(TABLE.head(16), explainer, n_jobs=2, **SMALL)
    assert marker.exists()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.linux
def test_a_case_that_kills_every_worker_is_named(fresh_workers):
    explainer = lime(TABLE, as_regressor(dies_always), probe=False)
    message = r"died 3 times at the cases 'row 4', 'row 5',? .*not enough memory"
    with pytest.raises(RuntimeError, match=message):
        explain(TABLE.head(16), explainer, n_jobs=2, **SMALL)


@pytest.mark.linux
@pytest.mark.parametrize("target", ["process", "terminal"])
def test_an_interrupt_leaves_neither_processes_nor_files(tmp_path, target):
    """Sent to the process alone, or as by Ctrl-C in a terminal to its workers as well."""
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    script = f"""
        import signal, sys, time, psutil
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job may ignore it
        sys.path.insert(0, {str(TESTS)!r})
        from test_errors import PICTURES, save, slow_files
        from pylime import lime, explain, as_regressor
        paths = save({str(tmp_path)!r})
        explainer = lime(paths, as_regressor(slow_files), probe=False)
        try:
            explain(paths, explainer, n_jobs=2, n_superpixels=8, n_permutations=500)
        except KeyboardInterrupt:
            mine = [p for p in psutil.Process().children(recursive=True)
                    if "resource_tracker" not in " ".join(p.cmdline())]
            _, alive = psutil.wait_procs(mine, timeout=5)
            print("interrupted", len(alive), flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 40
    while not (tmp_path / "predicting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp.glob("pylime-*"))
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    if target == "process":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "interrupted 0\n"
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert not list(tmp.iterdir())


def started(folder, tmp, n_jobs=1, backend="loky"):
    """A process that explains files slowly, once it has begun; and its child processes."""
    script = f"""
        import sys, joblib
        sys.path.insert(0, {str(TESTS)!r})
        from test_errors import save, slow_files
        from pylime import lime, explain, as_regressor
        paths = save({str(folder)!r})
        explainer = lime(paths, as_regressor(slow_files), probe=False)
        with joblib.parallel_config(backend={backend!r}):
            explain(paths, explainer, n_jobs={n_jobs}, n_superpixels=8, n_permutations=500)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TMPDIR": str(tmp), "PYLIME_TEST_FOLDER": str(folder)},
    )
    deadline = time.monotonic() + 40
    while not (folder / "predicting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.linux
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_killed_call_takes_its_workers_and_files_with_it(tmp_path, backend):
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    process, workers = started(tmp_path, tmp, 2, backend)
    assert len(workers) >= 2
    assert list(tmp.glob("pylime-*"))
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive
    assert not list(tmp.iterdir())


@pytest.mark.linux
def test_files_of_a_killed_call_are_deleted_by_the_next_one(tmp_path, monkeypatch):
    tmp = tmp_path / "tmp"
    places = [tmp_path / name for name in ("killed", "living")]
    for folder in (tmp, *places):
        folder.mkdir()
    killed, _ = started(places[0], tmp)
    while not (left := list(tmp.iterdir())):  # between two batches there is no folder
        killed.send_signal(signal.SIGCONT)
        time.sleep(0.05)
        killed.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
    (abandoned,) = left
    killed.kill()
    killed.wait()
    assert abandoned.exists()
    foreign = tmp / "pylime-of-something-else"
    foreign.mkdir()
    living, _ = started(places[1], tmp, n_jobs=2)
    try:
        (kept,) = set(tmp.iterdir()) - {foreign}
        assert kept != abandoned
        # Another process, this one, keeps the folders of processes that live: also its own.
        monkeypatch.setattr(tempfile, "tempdir", str(tmp))
        monkeypatch.setattr("pylime.folders._swept", -float("inf"))
        with temporary_folder() as own:
            monkeypatch.setattr("pylime.folders._swept", -float("inf"))
            with temporary_folder() as other:
                assert {*tmp.iterdir()} == {foreign, kept, Path(own), Path(other)}
    finally:
        living.kill()
        living.wait()


def save(folder):
    from PIL import Image

    paths = [str(Path(folder) / f"{number}.png") for number in range(len(PICTURES))]
    for path, picture in zip(paths, PICTURES, strict=True):
        Image.fromarray(picture).save(path)
    return paths


def slow_files(paths):
    place = os.environ.get("PYLIME_TEST_FOLDER") or Path(paths[0]).parents[3]
    if "pylime-" in paths[0]:  # the user's own files are predicted before
        (Path(place) / "predicting").touch()
    time.sleep(0.2)
    return np.arange(len(paths), dtype=float)
