"""Plots of images: their superpixels, and which of them change a prediction."""

from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_fixed,
    element_blank,
    element_text,
    facet_grid,
    facet_wrap,
    ggplot,
    labs,
    theme,
    theme_void,
)
from plotnine.geoms.geom import geom

from pylime import checks
from pylime._types import OneImage
from pylime.frame import COLUMNS, check_explanation
from pylime.image.explainer import IMAGE
from pylime.image.pixels import RGBA, Colour, on_white, parse_colour, read_original, rgb_pixels
from pylime.image.superpixels import Segmentation, check_segmentation, segment_by
from pylime.numbers import format_numbers
from pylime.pipeline import read_cases
from pylime.plots.intervals import includes_zero, striped_key
from pylime.plots.theme import fit_texts, label_both_upper, theme_lime
from pylime.shades import upright
from pylime.values import Bitmap, Superpixel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from plotnine.coords.coord import coord as Coord  # noqa: N812
    from plotnine.iapi import panel_view

__all__ = ["Display", "plot_image_explanation", "plot_superpixels"]

Display: TypeAlias = Literal["outline", "block"]
"""A way to show superpixels."""

CAPTION_HEIGHT = 0.3  # inches


class geom_image(geom):  # noqa: N801 - plotnine's convention
    """Draw a whole `pylime.Bitmap` at once, which is quick at any size."""

    REQUIRED_AES = {"xmin", "xmax", "ymin", "ymax", "image"}
    DEFAULT_PARAMS = {"stat": "identity", "position": "identity", "na_rm": False}

    def draw_panel(
        self, data: pd.DataFrame, panel_params: "panel_view", coord: "Coord", ax: "Axes"
    ) -> None:
        """Draw the image of each row in its rectangle."""
        data = coord.transform(data, panel_params)
        sides = data[["xmin", "xmax", "ymin", "ymax"]].to_numpy(dtype=float).tolist()
        for image, extent in zip(data["image"], sides, strict=True):
            ax.imshow(
                np.asarray(image),
                extent=tuple(extent),
                aspect=ax.get_aspect(),
                interpolation="antialiased",
                zorder=self.params["zorder"],
            )


def plot_superpixels(
    path: OneImage,
    n_superpixels: int = 50,
    weight: float = 20,
    n_iter: int = 10,
    colour: Colour = "black",
    *,
    segmentation: Segmentation | None = None,
) -> ggplot:
    """
    Draw an image with the borders of its superpixels, to try out the segmentation.

    Parameters
    ----------
    path
        A path, an image of Pillow or a uint8 array.
    n_superpixels
        Number of superpixels to aim at.
    weight
        Importance of place against colour: with higher values the superpixels are more
        compact.
    n_iter
        How often the segmentation moves its centres.
    colour
        Colour of the borders.
    segmentation
        A function of your own that segments, as in `pylime.explain`.

    Returns
    -------
    plotnine.ggplot
        One panel.

    Raises
    ------
    ValueError, FileNotFoundError
        If an argument has a wrong value or the image cannot be read.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> plot = plot_superpixels(chelsea(), n_superpixels=200, weight=40)
    >>> plot.save("superpixels.png")  # doctest: +SKIP
    """
    check_segmentation(n_superpixels, weight, n_iter, segmentation)
    images = read_cases(path, IMAGE)
    if len(images.items) != 1:
        raise ValueError(f"`path` must be one image; not {len(images.items)}.")
    image = read_original(images.items[0])
    labels = segment_by(segmentation, rgb_pixels(image.colours), n_superpixels, weight, n_iter)
    borders = superpixel_borders(labels) * 1.0
    drawn = lay_over(on_white(image.colours), borders, parse_colour(colour, "colour"))
    drawn = upright(drawn, image.orientation)
    size = _panels_size(drawn.shape, 1, 1, strip_rows=0)
    return (
        _draw_images(pd.DataFrame({"image": [Bitmap(drawn)]}))
        + theme_void()
        + theme(figure_size=size)
    )


def plot_image_explanation(
    explanation: pd.DataFrame,
    which: Hashable = 0,
    threshold: float = 0.02,
    show_negative: bool = False,
    display: Display = "outline",
    fill_alpha: float = 0.3,
    outline_col: Colour | Sequence[Colour] = ("blue", "red"),
    block_col: Colour = "grey",
) -> ggplot:
    """
    Show which parts of an image support or contradict each explained label.

    If the explanation has intervals (`explain(..., intervals=True)`), a superpixel is striped
    where the interval of its weight includes 0: it possibly has no effect. A line below the
    plot says so. The strip of a panel says where the explanation fit (R²) is low, below 0.1.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of images.
    which
        The case to show: its name, or its position from 0.
    threshold
        Superpixels of smaller absolute weight are left out.
    show_negative
        Whether to show the superpixels that contradict a label, in a second row.
    display
        `"outline"` tints and outlines the superpixels, `"block"` hides all others.
    fill_alpha
        Opacity of the tint, from 0 to 1.
    outline_col
        Colours of supporting and contradicting superpixels, or one for both.
    block_col
        Colour of the hidden superpixels.

    Returns
    -------
    plotnine.ggplot
        A panel per label, most likely first.

    Raises
    ------
    TypeError, ValueError
        If the explanation is not one of images, the case is unknown, or an argument has a
        wrong value.

    Examples
    --------
    >>> from pylime import load_image_example
    >>> plot = plot_image_explanation(load_image_example(), display="block", threshold=0.01)
    >>> plot.save("block.png")  # doctest: +SKIP
    """
    checks.one_of("display", display, get_args(Display))
    if not isinstance(fill_alpha, Real) or not 0 <= fill_alpha <= 1:
        raise ValueError(f"`fill_alpha` must be a number from 0 to 1; not {fill_alpha!r}.")
    if not isinstance(threshold, Real) or not threshold >= 0:
        raise ValueError(f"`threshold` must be a number from 0; not {threshold!r}.")
    supports, contradicts = _two_colours(outline_col)
    colours = {"Supports": supports, "Contradicts": contradicts}
    block = parse_colour(block_col, "block_col")
    case = _one_case(explanation, which)
    image: Bitmap = case["data"].iloc[0]
    pixels = on_white(image.colours)
    if any(cell.shape != pixels.shape[:2] for cell in case["feature_value"]):
        raise ValueError(
            f"Case {case['case'].iloc[0]!r} has images of different sizes; give the cases "
            "different names, or draw one explanation at a time."
        )

    added = {"fit": fit_texts(case["model_r2"]), "possibly_none": includes_zero(case)}
    stripes = striped_opacity(pixels.shape[:2])
    any_striped = False
    rows = []
    for _, rows_of_label in case.assign(**added).groupby(_panel_order(case), sort=True):
        facets = _facet_values(rows_of_label)
        weights = rows_of_label["feature_weight"]
        parts = {"Supports": weights > threshold}
        if show_negative:
            parts["Contradicts"] = weights <= -threshold
        for kind, chosen in parts.items():
            possibly_none = rows_of_label["possibly_none"]
            mask = _union(rows_of_label["feature_value"][chosen & ~possibly_none], pixels)
            striped = _union(rows_of_label["feature_value"][chosen & possibly_none], pixels)
            any_striped = any_striped or bool(striped.any())
            if display == "block":
                drawn = lay_over(pixels, np.where(striped, stripes, ~mask), block)
            else:
                drawn = lay_over(pixels, outline_opacity(mask, fill_alpha), colours[kind])
                opacity = outline_opacity(striped, fill_alpha) * stripes
                drawn = lay_over(drawn, opacity, colours[kind])
            drawn = Bitmap(upright(drawn, image.orientation))
            rows.append({"image": drawn, "type": kind, **facets})
    panels = pd.DataFrame(rows)
    names = [name for name in panels.columns if name not in ("image", "type")]
    for name in [*names, "type"]:
        panels[name] = pd.Categorical(panels[name], list(dict.fromkeys(panels[name])))
    n_labels = panels[names[0]].nunique() if show_negative else len(panels)
    columns = n_labels if show_negative else _columns(n_labels)
    n_rows = 2 if show_negative else -(-n_labels // columns)
    strip_rows = 1 if show_negative else n_rows
    drawn_shape = panels["image"].iloc[0].pixels.shape
    facet = (
        facet_grid(rows="type", cols=names, labeller=label_both_upper)
        if show_negative
        else facet_wrap(names, ncol=columns, labeller=label_both_upper)
    )
    look = "Dashed" if display == "outline" and fill_alpha == 0 else "Striped"
    width, height = _panels_size(drawn_shape, n_rows, columns, strip_rows)
    return (
        _draw_images(panels)
        + facet
        + (labs(caption=striped_key(look)) if any_striped else [])
        + theme_lime(
            axis_title=element_blank(),
            axis_line=element_blank(),
            axis_text=element_blank(),
            panel_grid=element_blank(),
            figure_size=(width, height + CAPTION_HEIGHT * any_striped),
            plot_caption=element_text(size=9, ha="left"),
        )
    )


def _two_colours(outline_col: Colour | Sequence[Colour]) -> list[RGBA]:
    """Read the colours of supporting and contradicting superpixels, or one for both."""
    two = isinstance(outline_col, list | tuple) and len(outline_col) == 2
    return [parse_colour(c, "outline_col") for c in (outline_col if two else [outline_col] * 2)]


def superpixel_borders(labels: np.ndarray) -> np.ndarray:
    """
    Find the pixels that R's `lime` draws as borders between superpixels.

    Parameters
    ----------
    labels
        (H, W) array of superpixels from 1.

    Returns
    -------
    numpy.ndarray
        (H, W) array of bool, true where the Laplacian of the labels, as shades of 16 bits,
        is positive after rounding to 8 bits. Of two neighbouring superpixels only the one
        with the higher number gets a line.
    """
    shades = np.floor(labels / labels.max() * 65535 + 0.5).astype(np.int64)
    return _laplacian(shades) >= 128


def outline_opacity(mask: np.ndarray, fill_alpha: float) -> np.ndarray:
    """
    Compute the opacity of the colour over some superpixels, for `display="outline"`.

    Parameters
    ----------
    mask
        (H, W) array, true at the superpixels.
    fill_alpha
        Opacity inside.

    Returns
    -------
    numpy.ndarray
        (H, W) opacities: 1 at the inner border, `fill_alpha` (in steps of 1/255) inside.
    """
    border = mask & (_laplacian(mask.astype(np.int64)) > 0)
    inside = np.floor(fill_alpha * 255 + 0.5) / 255
    return np.where(border, 1.0, np.where(mask, inside, 0.0))


def striped_opacity(shape: tuple[int, int]) -> np.ndarray:
    """
    Compute the share of its opacity that a colour keeps in stripes.

    Parameters
    ----------
    shape
        Height and width of the image.

    Returns
    -------
    numpy.ndarray
        (H, W) shares: 1 in diagonal stripes, 0.25 between them. A stripe is as wide as an
        eightieth of the image.
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    width = max(2, round((shape[0] * shape[1]) ** 0.5 / 80))
    return np.where((rows + columns) // width % 2 == 0, 1.0, 0.25)


def _union(superpixels: Iterable[Superpixel], pixels: np.ndarray) -> np.ndarray:
    """Return the (H, W) mask of some superpixels."""
    mask = np.zeros(pixels.shape[:2], dtype=bool)
    for superpixel in superpixels:
        mask |= superpixel.mask
    return mask


def _laplacian(values: np.ndarray) -> np.ndarray:
    """Subtract from eight times each value its eight neighbours; the edge is repeated."""
    height, width = values.shape
    padded = np.pad(values, 1, mode="edge")
    total = sum(
        padded[row : row + height, column : column + width]
        for row in range(3)
        for column in range(3)
    )
    return 9 * values - total


def lay_over(pixels: np.ndarray, opacity: np.ndarray, colour: RGBA) -> np.ndarray:
    """
    Lay a colour over an image.

    Parameters
    ----------
    pixels
        (H, W, 3) array of uint8.
    opacity
        (H, W) array from 0 to 1.
    colour
        Red, green, blue, alpha.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) array of uint8.
    """
    share = (opacity * (colour[3] / 255))[..., None]
    mixed = pixels * (1.0 - share) + np.array(colour[:3]) * share
    return np.floor(mixed + 0.5).astype(np.uint8)


def _one_case(explanation: pd.DataFrame, which: Hashable) -> pd.DataFrame:
    """Select the rows of a case, by its name or position."""
    explanation, _ = check_explanation(
        explanation, classification=COLUMNS, regression=[*COLUMNS[:2], *COLUMNS[4:]]
    )
    if not all(isinstance(cell, Bitmap) for cell in explanation["data"]):
        raise ValueError("`explanation` must be one of images; its `data` has none.")
    cases = list(dict.fromkeys(explanation["case"]))
    if not isinstance(which, bool):  # True is neither a name nor a position
        if which in cases:  # a name comes before a position
            return explanation[explanation["case"] == which]
        if isinstance(which, int | np.integer) and -len(cases) <= which < len(cases):
            return explanation[explanation["case"] == cases[which]]
    raise ValueError(
        f"`which` must be a position from 0 to {len(cases) - 1} or one of the cases "
        f"{checks.some(cases)}; not {which!r}."
    )


def _panel_order(case: pd.DataFrame) -> pd.Series:
    """Number the labels by falling probability; the single panel of a regressor is 0."""
    if "label" not in case:
        return pd.Series(0, index=case.index)
    by_probability = case.sort_values("label_prob", ascending=False, kind="stable")
    order = {label: number for number, label in enumerate(dict.fromkeys(by_probability["label"]))}
    return case["label"].map(order).astype(int)


def _facet_values(rows: pd.DataFrame) -> dict[str, str]:
    first = rows.iloc[0]
    if "label" not in rows:
        named = {"prediction": format_numbers([first["prediction"]], 2)[0]}
    else:
        named = {
            "label": str(first["label"]),
            "probability": format_numbers([first["label_prob"]], 2)[0],
        }
    return {**named, "Explanation fit": first["fit"]}


def _draw_images(panels: pd.DataFrame) -> ggplot:
    height, width = np.asarray(panels["image"].iloc[0]).shape[:2]
    panels = panels.assign(xmin=0, xmax=width, ymin=0, ymax=height)
    return (
        ggplot(panels, aes(xmin="xmin", xmax="xmax", ymin="ymin", ymax="ymax"))
        + geom_image(aes(image="image"))
        + coord_fixed(expand=False)
        + labs(x="", y="")
    )


def _columns(n: int) -> int:
    """Return the number of columns in which ggplot2 arranges n panels."""
    return n if n <= 3 else 2 if n == 4 else 3 if n <= 12 else 4


def _panels_size(
    shape: Sequence[int], rows: int, columns: int, strip_rows: int
) -> tuple[float, float]:
    """Return inches for panels of about 10 square inches, or smaller ones if there are many."""
    area = 24.0 if rows * columns == 1 else 10.0
    scale = (area / (shape[0] * shape[1])) ** 0.5
    scale *= min(1.0, 14.0 / (shape[1] * scale * columns))
    return shape[1] * scale * columns + 0.4, shape[0] * scale * rows + 0.75 * strip_rows + 0.3
