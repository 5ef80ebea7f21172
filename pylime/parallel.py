"""
Work shared out among processes: what all parts need travels once, and dead workers are replaced.
"""

import hashlib
import os
import shutil
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Parcel", "few_threads", "in_parts", "limited_threads", "n_parts"]

# Parts of the work per process: enough of them that no process is left with all the
# slow cases, few enough that little is done twice when one dies.
_PARTS_PER_JOB = 4
# So many deaths of workers one after another, without a part done in between, are no accident.
_MOST_DEATHS = 3


class Parcel:
    """
    An object that is pickled once, and opened once in each process.

    Parameters
    ----------
    thing
        What is to travel. Functions and classes of a notebook or script travel whole.
    folder
        A folder that all processes see: the pickled object then lies there, and only its
        place travels. Without: it travels inside, for other machines.

    Examples
    --------
    >>> Parcel({"a": 1}).open()
    {'a': 1}
    """

    def __init__(self, thing: Any, folder: str | None = None) -> None:
        import cloudpickle  # only where there are other processes

        try:
            pickled = cloudpickle.dumps(thing)
        except Exception as error:
            error.add_note(
                "(`n_jobs` sends the explainer to other processes, but its model or one of its "
                "functions cannot be pickled. n_jobs=1 sends nothing.)"
            )
            raise
        self.key = hashlib.blake2b(pickled, digest_size=16).hexdigest()
        self.size = len(pickled)
        self.content: bytes | None = pickled
        self.path = None
        self.folder = folder
        self.owner = os.getpid()
        if folder is not None:
            self.path = Path(folder) / f"{uuid.uuid4().hex}.pickle"
            self.path.write_bytes(pickled)
            self.content = None

    def __sizeof__(self) -> int:  # by this Dask decides what is worth spreading only once
        return object.__sizeof__(self) + len(self.content or b"")

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "pylime.Parcel", self.key

    def open(self) -> Any:
        """The object; the same one as long as no other parcel is opened in this process."""
        global _opened
        with _opening:
            if _opened is None or _opened[0] != self.key:
                import cloudpickle

                _opened = None  # two large models need not fit into memory
                pickled = self.path.read_bytes() if self.path else self.content
                _opened = self.key, cloudpickle.loads(pickled or b"")
            return _opened[1]


_opened: tuple[str, Any] | None = None
_opening = threading.Lock()  # Dask's workers have several threads


def n_parts(n: int, n_jobs: int) -> int:
    """Into how many parts to divide n cases."""
    import joblib

    return min(n, joblib.effective_n_jobs(n_jobs) * _PARTS_PER_JOB)


def in_parts(
    work: Callable[[Any, Any], Any],
    shared: Any,
    parts: Sequence[Any],
    n_jobs: int,
    folder: str,
    describe: Callable[[Any], str],
) -> Iterator[tuple[int, Any]]:
    """
    Do the parts of some work in the processes, or threads, that joblib is set to use.

    Parameters
    ----------
    work
        A function of a module, of `shared` and one part.
    shared
        What every part needs; pickled once, and read once by each process.
    parts
        The parts.
    n_jobs
        Number of parallel jobs, as in joblib.
    folder
        Where processes of this machine find `shared`.
    describe
        Says what is in a part, for an error.

    Yields
    ------
    tuple
        The number of a part and its result, in the order in which they are done.

    Raises
    ------
    RuntimeError
        If a part kills the process that works on it, again and again.
    """
    import joblib  # slow to import, and rarely needed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    backend, _ = joblib.parallel.get_active_backend()
    streams = getattr(backend, "supports_return_generator", False)
    if not getattr(backend, "supports_sharedmem", False):
        known = tuple(
            joblib.parallel.BACKENDS[name]
            for name in ("loky", "multiprocessing")
            if name in joblib.parallel.BACKENDS
        )
        shared = Parcel(shared, folder if isinstance(backend, known) else None)
    missing = dict(enumerate(parts))
    deaths = 0
    while missing:
        tasks = (joblib.delayed(_do)(work, shared, *part) for part in tuple(missing.items()))
        pool = joblib.Parallel(
            n_jobs,
            return_as="generator_unordered" if streams else "list",
            # After a death one part at a time: if it is memory that lacks, there is more for
            # each; and it shows which part it is.
            pre_dispatch="1" if deaths else "2 * n_jobs",
        )
        done: Any = pool(tasks)
        try:
            for number, result in done:
                del missing[number]
                deaths = 0
                yield number, result
        except TerminatedWorkerError as error:
            deaths += 1
            if deaths == _MOST_DEATHS:
                raise RuntimeError(
                    f"A worker process has died {deaths} times at "
                    f"{describe(missing[min(missing)])}, the last times with nothing else "
                    "running. Most often there is not enough memory: use fewer `n_permutations`; "
                    "or the model's library crashes: try these cases with `n_jobs=1`."
                ) from error
        finally:
            if streams:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that tasks were cancelled is intended
                    done.close()


def _do(work: Callable[[Any, Any], Any], shared: Any, number: int, part: Any) -> tuple[int, Any]:
    """One part, in the process that it has come to."""
    if not isinstance(shared, Parcel):
        return number, work(shared, part)
    if shared.folder is not None:
        _end_with(shared.owner, shared.folder)
    with limited_threads():
        return number, work(shared.open(), part)


# Seconds between two looks at whether the process that hands out the work is still there.
_LOOK_EVERY = 1.0
_served: list[str] = []  # its folder, once it is watched


def _end_with(owner: int, folder: str) -> None:
    """End this worker process soon after the process that it works for was killed."""
    if os.name != "posix" or os.getpid() == owner:
        return
    with _opening:
        watched = bool(_served)
        _served[:] = [folder]
    if not watched:
        threading.Thread(target=_watch, args=(owner, os.getppid()), daemon=True).start()


def _watch(owner: int, parent: int) -> None:
    # A process that has lost its parent gets another one.
    while os.getppid() == parent and _exists(owner):
        time.sleep(_LOOK_EVERY)
    shutil.rmtree(_served[0], ignore_errors=True)
    os._exit(1)  # another thread cannot be interrupted


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


# What decides, beside OMP_NUM_THREADS, how many threads models use: joblib's and
# LightGBM's idea of the number of cores, and TensorFlow's pools.
_THREADS = ("LOKY_MAX_CPU_COUNT", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_own_limits: list[str] = []
_n_limited = 0


@contextmanager
def limited_threads() -> Iterator[None]:
    """
    Let models in a worker process use no more threads than its share of the cores.

    Joblib, Dask and Spark say how many these are by OMP_NUM_THREADS, which forests with
    `n_jobs=-1`, LightGBM and TensorFlow do not heed.
    """
    import joblib

    global _n_limited
    share = os.environ.get("OMP_NUM_THREADS", "")
    with _opening:
        if not _n_limited and share.isdigit():
            _own_limits.extend(name for name in _THREADS if name not in os.environ)
            os.environ.update(dict.fromkeys(_own_limits, share))
        _n_limited += 1
    try:
        with joblib.parallel_config(backend="threading"):  # not the cluster's, once more
            yield
    finally:
        with _opening:
            _n_limited -= 1
            while _own_limits and not _n_limited:
                os.environ.pop(_own_limits.pop(), None)


# Multiplications below which a second thread costs more than it brings. On a machine
# that has other things to do, waiting for it takes a hundred times as long as the product.
_WORTH_A_THREAD = 2e8


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # looks at all loaded libraries

    return ThreadpoolController().select(user_api="blas")


def few_threads(multiplications: float) -> AbstractContextManager[Any]:
    """
    Do linear algebra on one thread, unless it is large.

    Parameters
    ----------
    multiplications
        About how many there will be.

    Examples
    --------
    >>> import numpy as np
    >>> with few_threads(5000 * 30 * 30):
    ...     np.ones((2, 3)) @ np.ones(3)
    array([3., 3.])
    """
    if multiplications > _WORTH_A_THREAD:
        return nullcontext()
    return _blas().limit(limits=1)
