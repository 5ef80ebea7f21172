"""
Explain with networks on an accelerator: compare with the CPU, and measure how busy it is.

    PYTHONPATH=. python tests/benchmarks/accelerator.py [--quick]

Prints what is installed; for PyTorch and Keras (on its backend PyTorch), how far explanations of
a table, texts and a 224x224 array on the device are from those on the CPU; and for a network of
the size of ResNet-50, in half precision, the share of the time of `explain()` in which the device
works. Everything is made here: nothing is downloaded. Without an accelerator, it says so and runs
on the CPU, with fewer permutations.
"""

import argparse
import contextlib
import copy
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SIZE = 224
FIGURES = ("feature_weight", "model_intercept", "model_prediction", "model_r2", "label_prob")
WORDS = [
    "a",
    "good",
    "bad",
    "plain",
    "film",
    "was",
    "not",
    "very",
    "long",
    "short",
    "and",
    "but",
    "we",
]


def versions() -> str:
    """What is installed, a line each."""
    lines = [f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"]
    names = "numpy pandas scipy sklearn skimage PIL torch keras gower pylime"
    for name in names.split():
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            lines.append(f"{name}: {error}")
        else:
            lines.append(f"{name} {getattr(module, '__version__', '')} {module.__file__}")
    return "\n".join(lines)


# What is explained


def table() -> pd.DataFrame:
    """400 rows of six columns of numbers."""
    random = np.random.default_rng(0)
    return pd.DataFrame(random.normal(size=(400, 6)), columns=[f"x{k}" for k in range(6)])


def sentences() -> list[str]:
    """Texts of ten words."""
    random = np.random.default_rng(1)
    return [" ".join(random.choice(WORDS, 10, replace=False)) for _ in range(4)]


def picture() -> np.ndarray:
    """A picture of smooth colours, with an edge."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    channels = [np.sin(7 * x + 3 * y), np.cos(5 * y * x + 1), np.sin(9 * y - 4 * x)]
    pixels = 127.5 + 100 * np.stack(channels, axis=2)
    pixels[60:150, 90:170] += 20
    return np.clip(pixels, 0, 255).astype(np.uint8)


def word_numbers(texts: list[str]) -> np.ndarray:
    """The number of each word of each text, 0 where there is none."""
    rows = [[WORDS.index(word) + 1 for word in text.split()] for text in texts]
    return np.array([row + [0] * (10 - len(row)) for row in rows], dtype=np.int64)


def explanations(models: dict[str, Any], n: int) -> dict[str, pd.DataFrame]:
    """Explain a table, texts and a picture with a model of each."""
    from pylime import as_classifier, explain, lime

    found = {}
    rows = table()
    explainer = lime(rows, as_classifier(models["table"], ["no", "yes"]))
    found["table"] = explain(rows.head(3), explainer, n_features=4, random_state=1)
    texts = sentences()
    explainer = lime(texts, as_classifier(models["text"], ["no", "yes"]), word_numbers)
    found["text"] = explain(texts, explainer, n_features=4, random_state=1)
    explainer = lime(picture(), as_classifier(models["picture"], ["no", "yes"]))
    found["picture"] = explain(
        picture(),
        explainer,
        n_features=8,
        n_permutations=n,
        batch_size=50,
        random_state=1,
        predict_options=models["options"],
    )
    return found


def distances(one: pd.DataFrame, other: pd.DataFrame) -> str:
    """The largest difference of each figure, and what there is to differ."""
    if not one["feature"].equals(other["feature"]):
        return "OTHER FEATURES"
    parts = []
    for name in (name for name in FIGURES if name in one):
        far = np.abs(one[name].to_numpy(float) - other[name].to_numpy(float)).max()
        parts.append(f"{name} {far:.1e} of {np.abs(one[name].to_numpy(float)).max():.2g}")
    return ", ".join(parts)


# PyTorch


def torch_models() -> dict[str, Any]:
    """A module for each kind of input, of two classes."""
    import torch
    from torch import nn

    class InARow(nn.Module):
        """The vectors of words in a row."""

        def forward(self, vectors: Any) -> Any:
            return vectors.flatten(1)

    torch.manual_seed(1)
    convolutions = []
    for before, after in ((3, 16), (16, 32), (32, 64)):
        convolutions += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
    models: dict[str, Any] = {
        "table": nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 2)),
        "text": nn.Sequential(nn.Embedding(40, 8), InARow(), nn.Linear(80, 2), nn.Softmax(1)),
        "picture": nn.Sequential(
            nn.BatchNorm2d(3, affine=False),
            *convolutions,
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(1024, 2),
        ),
    }
    with torch.no_grad():
        first: Any = models["picture"][0]
        first.running_mean.fill_(127.0)
        first.running_var.fill_(60.0**2)
        models["table"][-1].weight *= 8
        models["picture"][-1].weight *= 100
    for model in models.values():
        model.eval()
    return {**models, "options": {"channels_first": True}}


def moved(models: dict[str, Any], device: Any) -> dict[str, Any]:
    """Copies of the modules on a device."""
    return {
        name: copy.deepcopy(model).to(device) if name != "options" else model
        for name, model in models.items()
    }


@contextlib.contextmanager
def exact_convolutions(exact: bool) -> Iterator[None]:
    """Without TF32, which PyTorch uses for convolutions, where `exact`."""
    import torch

    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = before and not exact
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def compare_torch(device: Any, n: int) -> None:
    models = torch_models()
    here = explanations(moved(models, "cpu"), n)
    for exact in (True, False):
        with exact_convolutions(exact):
            there = explanations(moved(models, device), n)
        print(f"torch, cpu and {device}, convolutions {'of 32 bits' if exact else 'as preset'}")
        for kind, frame in here.items():
            print(f"  {kind}: {distances(frame, there[kind])}")


# Keras


def keras_models() -> dict[str, Any]:
    """A model for each kind of input, of two classes."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    models: dict[str, Any] = {
        "table": keras.Sequential(
            [keras.Input((6,)), layers.Dense(64, "tanh"), layers.Dense(2, "softmax")]
        ),
        "text": keras.Sequential(
            [
                keras.Input((10,)),
                layers.Embedding(40, 8),
                layers.Flatten(),
                layers.Dense(2, "softmax"),
            ]
        ),
        "picture": keras.Sequential(
            [
                keras.Input((SIZE, SIZE, 3)),
                layers.Rescaling(1 / 60, -2.1),
                *(layers.Conv2D(n, 3, 2, activation="relu") for n in (16, 32, 64)),
                layers.AveragePooling2D(6),
                layers.Flatten(),
                layers.Dense(2, "softmax"),
            ]
        ),
    }
    for name, model in models.items():
        weights = model.get_weights()
        weights[-2] = weights[-2] * (20 if name == "picture" else 1)
        if name == "text":
            weights[0] = weights[0] * 40
        model.set_weights(weights)
    return {**models, "options": None}


def compare_keras(device: Any, n: int) -> None:
    import keras

    with keras.device("cpu"):
        models = keras_models()
        here = explanations(models, n)
    with keras.device(str(device)):
        others = keras_models()
        for name in here:
            others[name].set_weights([np.array(part) for part in models[name].get_weights()])
        with exact_convolutions(True):
            there = explanations(others, n)
    print(f"keras {keras.backend.backend()}, cpu and {device}")
    for kind, frame in here.items():
        print(f"  {kind}: {distances(frame, there[kind])}")


# How busy the device is


def resnet() -> Any:
    """A network with the layers of ResNet-50, and with a first that brings bytes to unit scale."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Bottleneck(nn.Module):
        def __init__(self, before: int, inner: int, stride: int) -> None:
            super().__init__()
            after = 4 * inner
            self.narrow = nn.Conv2d(before, inner, 1, bias=False)
            self.conv = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
            self.widen = nn.Conv2d(inner, after, 1, bias=False)
            self.norms = nn.ModuleList([nn.BatchNorm2d(n) for n in (inner, inner, after)])
            self.short: Any = nn.Identity()
            if stride > 1 or before != after:
                shorter = nn.Conv2d(before, after, 1, stride, bias=False)
                self.short = nn.Sequential(shorter, nn.BatchNorm2d(after))

        def forward(self, x: Any) -> Any:
            y = functional.relu(self.norms[0](self.narrow(x)))
            y = functional.relu(self.norms[1](self.conv(y)))
            return functional.relu(self.norms[2](self.widen(y)) + self.short(x))

    class Normalise(nn.Module):
        def forward(self, x: Any) -> Any:
            return (x - 117) / 58

    torch.manual_seed(0)
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    blocks: list[nn.Module] = []
    before = 64
    for inner, n, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(n):
            blocks.append(Bottleneck(before, inner, stride if number == 0 else 1))
            before = 4 * inner
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)]
    model = nn.Sequential(Normalise(), *stem, nn.MaxPool2d(3, 2, 1), *blocks, *end)
    return model.eval()


def busy_seconds(run: Callable[[], Any]) -> tuple[float, float, float, float]:
    """Seconds of a call; of these computing, or computing or copying; from first to last of it."""
    from torch.profiler import ProfilerActivity, profile

    with tempfile.TemporaryDirectory() as folder:
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            start = time.perf_counter()
            run()
            seconds = time.perf_counter() - start
        trace = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    kernels = [e for e in events if e.get("cat") == "kernel"]
    copies = [e for e in events if e.get("cat") in ("gpu_memcpy", "gpu_memset")]
    ends = [e["ts"] + e["dur"] for e in kernels]
    span = (max(ends) - min(e["ts"] for e in kernels)) / 1e6
    return seconds, covered(kernels), covered([*kernels, *copies]), span


def covered(events: list[dict[str, Any]]) -> float:
    """Seconds in which at least one of some events goes on."""
    total = end = 0.0
    for start, stop in sorted((float(e["ts"]), float(e["ts"]) + float(e["dur"])) for e in events):
        total += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return total / 1e6


def sampled_use(run: Callable[[], Any], seconds: float) -> str:
    """What the driver reports as the share of time in which it works, while a call is repeated."""
    command = "nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits -lms 100"
    try:
        sampler = subprocess.Popen(command.split(), stdout=subprocess.PIPE, text=True)
    except OSError as error:
        return f"no nvidia-smi: {error}"
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        run()
    sampler.terminate()
    text, _ = sampler.communicate()
    values = [float(line) for line in text.split() if line.strip().isdigit()]
    inner = values[len(values) // 4 :]
    if not inner:
        return "no samples"
    return f"mean {statistics.mean(inner):.0f} %, median {statistics.median(inner):.0f} %"


def measure_resnet(device: Any, n: int, sizes: list[int], quick: bool) -> None:
    import torch

    from pylime import as_classifier, explain, lime

    cuda = device.type == "cuda"
    model = resnet().to(device)
    model = model.half() if cuda else model
    n_parameters = sum(part.numel() for part in model.parameters())
    print(f"network of {n_parameters / 1e6:.1f} million parameters, {n} permutations on {device}")
    array = picture()

    def on_the_way(images: np.ndarray) -> Any:
        """A preprocess of the user's own: bytes to half precision on the CPU."""
        values = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        return values.half() if cuda else values.float()

    def measured(what: str, preprocess: Any, options: Any, activation: Any, size: int) -> None:
        wrapped = as_classifier(model, activation=activation)
        explainer = lime(array, wrapped, preprocess)

        def run() -> Any:
            return explain(
                array,
                explainer,
                n_features=10,
                n_permutations=n,
                batch_size=size,
                random_state=1,
                predict_options=options,
            )

        run()
        times = []
        for _ in range(1 if quick else 4):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        seconds = statistics.median(times)
        line = f"  {what}, batch_size={size}: {seconds:.3f} s, {n / seconds:.0f} a second"
        if cuda:
            profiled, computes, works, span = busy_seconds(run)
            line += (
                f"; profiled {profiled:.3f} s: computes {computes:.3f} s = "
                f"{computes / profiled:.1%} ({computes / seconds:.1%} of the time without profiler)"
                f", with copies {works / profiled:.1%}; from the first kernel to the last "
                f"{span:.3f} s, computing {computes / span:.1%} of it"
            )
            if size >= 100 and not quick:
                line += f"; nvidia-smi {sampled_use(run, 2)}"
        print(line, flush=True)

    first = {"channels_first": True}
    for size in sizes:
        measured("arrays, softmax", None, first, "softmax", size)
    big = sizes[-1]
    measured("arrays, last step found", None, first, "auto", big)
    measured("fractions by preprocess", on_the_way, None, "softmax", big)
    for layout in (torch.contiguous_format, torch.channels_last):
        model.to(memory_format=layout)
        if cuda:
            bare(model, array, big, n)
    measured("channels last", None, first, "softmax", big)


def bare(model: Any, array: np.ndarray, size: int, n: int) -> None:
    """The network alone, on images that are on the device already."""
    import torch

    images = torch.from_numpy(np.stack([array] * size).transpose(0, 3, 1, 2)).cuda().half()
    start = 0.0
    with torch.no_grad():
        for _ in range(2):
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(n // size):
                model(images)
            torch.cuda.synchronize()
    print(f"  the network alone, {size} at once: {time.perf_counter() - start:.3f} s", flush=True)


def time_of_parts() -> None:
    """Milliseconds of what is done before the device has anything to do."""
    from pylime.image.painting import make_painter
    from pylime.image.superpixels import segment

    array = picture()
    labels = segment(array)
    paint = make_painter(array, labels, [127] * 3)
    kept = np.random.default_rng(0).random((100, int(labels.max()))) < 0.5
    for name, part in {"segment": lambda: segment(array), "paint 100": lambda: paint(kept)}.items():
        times = []
        for _ in range(5):
            start = time.perf_counter()
            part()
            times.append(time.perf_counter() - start)
        print(f"{name}: {1e3 * statistics.median(times):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repetitions")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    os.environ.setdefault("KERAS_BACKEND", "torch")  # before Keras is imported
    print(versions(), flush=True)
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is missing; nothing to measure.")
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    name = torch.cuda.get_device_name() if cuda else "none: everything runs on the CPU"
    print(f"accelerator: {name}", flush=True)
    time_of_parts()
    parts: list[Callable[[], None]] = [
        lambda: compare_torch(device, 500 if cuda else 60),
        lambda: compare_keras(device, 500 if cuda else 60),
        lambda: measure_resnet(
            device,
            2000 if cuda else 16,
            ([10, 200] if quick else [10, 100, 150, 200, 300]) if cuda else [8],
            quick or not cuda,
        ),
    ]
    for part in parts:
        start = time.perf_counter()
        try:
            part()
        except Exception as error:
            print(f"  NOT DONE: {type(error).__name__}: {error}"[:600])
        print(f"  ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
