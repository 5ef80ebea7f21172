"""
Work in several processes: what all parts need is sent once, and workers that died are replaced.
"""

import hashlib
import os
import shutil
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["Parcel", "few_threads", "folder_here", "in_parts", "limited_threads", "n_parts"]

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")

# Parts of the work per process: so many that the slow cases spread over all processes, and so
# few that sending them costs little.
_PARTS_PER_JOB = 4
# After so many deaths in a row, without a part done in between, the work itself must be the cause.
_MOST_DEATHS = 3


class Parcel:
    """
    An object that is pickled once, and opened once in each process.

    Parameters
    ----------
    content
        The object. Functions and classes of a notebook or script are pickled with their code.
    folder
        A folder that all processes can read: the parcel then has only the path of a file in
        it. By default the parcel has the pickled object itself, as other machines need it.

    Examples
    --------
    >>> Parcel({"a": 1}).open()
    {'a': 1}
    """

    def __init__(self, content: object, folder: str | None = None) -> None:
        import cloudpickle  # only if there are other processes

        try:
            pickled = cloudpickle.dumps(content)
        except Exception as error:
            error.add_note(
                "(`n_jobs` sends the explainer to other processes, but its model or one of its "
                "functions cannot be pickled. `n_jobs=1` needs no pickling.)"
            )
            raise
        self.key = hashlib.blake2b(pickled, digest_size=16).hexdigest()
        self.size = len(pickled)
        self.pickled: bytes | None = pickled
        self.path = None
        self.folder = folder
        self.owner = os.getpid()
        if folder is not None:
            self.path = Path(folder) / f"{uuid.uuid4().hex}.pickle"
            self.path.write_bytes(pickled)
            self.pickled = None

    def __sizeof__(self) -> int:  # Dask sends large objects to each worker only once
        return object.__sizeof__(self) + len(self.pickled or b"")

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "pylime.Parcel", self.key

    def open(self) -> Any:
        """Return the object; the same one until another parcel is opened in this process."""
        global _opened
        with _opening:
            if _opened is None or _opened[0] != self.key:
                import cloudpickle

                _opened = None  # frees the previous model before the next is loaded
                pickled = self.path.read_bytes() if self.path else self.pickled
                _opened = self.key, cloudpickle.loads(pickled or b"")
            return _opened[1]


_opened: tuple[str, Any] | None = None
_opening = threading.Lock()  # a Dask worker has several threads


def n_parts(n: int, n_jobs: int) -> int:
    """Return the number of parts to divide n cases into."""
    import joblib

    return min(n, joblib.effective_n_jobs(n_jobs) * _PARTS_PER_JOB)


def in_parts(
    work: Callable[[Shared, Part], Result],
    shared: Shared,
    parts: Sequence[Part],
    n_jobs: int,
    folder: str,
    describe: Callable[[Part], str],
) -> Generator[tuple[int, Result], None, None]:
    """
    Do the parts of some work in the processes, or threads, of joblib's active backend.

    Parameters
    ----------
    work
        A function of `shared` and one part, defined in a module.
    shared
        What every part needs; pickled once, and loaded once by each process.
    parts
        The parts.
    n_jobs
        Number of parallel jobs, as in joblib.
    folder
        A folder of this machine for the pickled `shared`.
    describe
        A function from a part to its description in an error.

    Yields
    ------
    tuple
        The number of a part and its result, in the order in which the parts are done.

    Raises
    ------
    RuntimeError
        If a part repeatedly kills the process that works on it.
    """
    import joblib  # slow to import, and rarely needed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    backend, _ = joblib.parallel.get_active_backend()
    streams = getattr(backend, "supports_return_generator", False)
    sent: Shared | Parcel = shared
    if not getattr(backend, "supports_sharedmem", False):
        known = tuple(
            joblib.parallel.BACKENDS[name]
            for name in ("loky", "multiprocessing")
            if name in joblib.parallel.BACKENDS
        )
        sent = Parcel(shared, folder if isinstance(backend, known) else None)
    missing = dict(enumerate(parts))
    deaths = 0
    while missing:
        tasks = (joblib.delayed(_do_part)(work, sent, *part) for part in tuple(missing.items()))
        pool = joblib.Parallel(
            n_jobs,
            return_as="generator_unordered" if streams else "list",
            # After a death one part at a time: each has more memory, and the next death shows
            # which part is the cause.
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
                    f"{describe(missing[min(missing)])}, at last with nothing else running. There "
                    "may be not enough memory: lower `n_permutations`; or the model's library "
                    "crashes: try these cases with `n_jobs=1`."
                ) from error
        finally:
            if streams:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # about cancelled tasks, which is intended
                    done.close()


def _do_part(
    work: Callable[[Shared, Part], Result], sent: Shared | Parcel, number: int, part: Part
) -> tuple[int, Result]:
    """Do one part, in the process or thread that received it."""
    if not isinstance(sent, Parcel):
        return number, work(sent, part)
    if sent.folder is not None:
        _end_with(sent.owner, sent.folder)
    with limited_threads():
        return number, work(sent.open(), part)


# Seconds between two looks at whether the process that hands out the work is still there.
_LOOK_EVERY = 1.0
# How often, and after how many seconds, it is tried again to delete the folder of a killed process.
_MOST_TRIES, _TRY_AGAIN = 100, 0.02
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


def folder_here(folder: str | None) -> str | None:
    """
    Return the folder of the call that handed out the work; None on another machine.

    Raises
    ------
    FileNotFoundError
        If the call was killed and another of its workers has deleted the folder. Temporary files
        elsewhere would outlast this worker, which is about to end.
    """
    if folder is None or os.path.isdir(folder):
        return folder
    if _served:
        raise FileNotFoundError(f"The folder {folder} is gone: the call was killed.")
    return None


def _watch(owner: int, parent: int) -> None:
    # A process that has lost its parent gets another one.
    while os.getppid() == parent and _exists(owner):
        time.sleep(_LOOK_EVERY)
    for _ in range(_MOST_TRIES):  # other threads and workers may still be writing into it
        shutil.rmtree(_served[0], ignore_errors=True)
        if not os.path.exists(_served[0]):
            break
        time.sleep(_TRY_AGAIN)
    os._exit(1)  # another thread cannot be interrupted


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


# Variables beside OMP_NUM_THREADS that set how many threads models use: joblib and LightGBM
# read the first, TensorFlow the others.
_THREADS = ("LOKY_MAX_CPU_COUNT", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_own_limits: list[str] = []
_n_limited = 0


@contextmanager
def limited_threads() -> Iterator[None]:
    """
    Limit the threads of models in a worker process to its share of the cores.

    Joblib, Dask and Spark set OMP_NUM_THREADS to this share, which forests with `n_jobs=-1`,
    LightGBM and TensorFlow do not read.
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
        with joblib.parallel_config(backend="threading"):  # no workers within workers
            yield
    finally:
        with _opening:
            _n_limited -= 1
            while _own_limits and not _n_limited:
                os.environ.pop(_own_limits.pop(), None)


# Number of multiplications below which a second thread costs more than it gains. On a busy
# machine, waiting for it takes a hundred times as long as the product.
_WORTH_A_THREAD = 2e8


@cache
def _blas() -> "ThreadpoolController":
    """Return what limits the threads of the loaded linear algebra libraries."""
    from threadpoolctl import ThreadpoolController  # searches all loaded libraries

    return ThreadpoolController().select(user_api="blas")


def few_threads(multiplications: float) -> AbstractContextManager[Any]:
    """
    Do linear algebra on one thread, unless it is large.

    Parameters
    ----------
    multiplications
        Approximate number of multiplications.

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
