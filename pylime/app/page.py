"""
The page that explains texts while you type, and its parts for a page of your own.

`python -m pylime.app` trains a model and shows the page with it.
"""

import argparse
import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypedDict, overload

import pandas as pd

from pylime import checks
from pylime.app.interruptible import interruptible
from pylime.explainers import explain, lime
from pylime.pipeline import Explainer
from pylime.plots.text import TextExplanations, css_size, plot_text_explanations
from pylime.surrogate.selection import FEATURE_SELECT, FeatureSelect
from pylime.text.explainer import TextExplainer
from pylime.text.tokens import piece_of, tokenize

if TYPE_CHECKING:
    from htmltools import Tag
    from shiny import App, Inputs, Outputs, Session
    from shiny.render import ui as RenderUI  # noqa: N812

__all__ = ["interactive_text_explanations", "render_text_explanations", "text_explanations_output"]

_TOO_SHORT = "Text provided is too short to be explained (>= {})."
# With one seed for all, moving a control changes that option and nothing else.
_SEED = 1
# All visitors share one server: no single explanation may occupy it.
_MOST_PERMUTATIONS = 50_000
_MOST_CHARACTERS = 20_000
# Seconds without a key after which a text is explained. Typists press several keys per second, and
# each explanation that is started and given up keeps other visitors waiting.
_PAUSE = 0.3


class _Options(TypedDict):
    """Options of `explain()` that a visitor controls."""

    n_permutations: int
    feature_select: FeatureSelect
    n_features: int


def interactive_text_explanations(
    explainer: Explainer,
    window_title: str = "Text model explainer",
    title: str = "Local Interpretable Model-agnostic Explanations",
    place_holder: str = "Put here the text to explain",
    minimum_length: int = 3,
    minimum_length_error: str = _TOO_SHORT.format(3),
    max_feature_to_select: int = 20,
) -> "App":
    """
    Make a web page that explains a text while you type it.

    It has a text box, the number of permutations, the method of selection and the number
    of words. It explains the most likely label. The page stays usable while an explanation
    is computed; a new input stops the computation for an older one. The texts of several
    visitors are explained one at a time, because few models can predict in several threads.

    Parameters
    ----------
    explainer
        From `pylime.lime`, of texts.
    window_title, title
        Titles of the window and the page.
    place_holder
        Text of the empty text box.
    minimum_length
        The smallest number of words of a text, or of what else the explainer drops.
    minimum_length_error
        Message for a shorter text.
    max_feature_to_select
        The largest number of words that a visitor can choose.

    Returns
    -------
    shiny.App
        Run it by `shiny.run_app(app)`, or in a file by `shiny run`.

    Raises
    ------
    ImportError
        If Shiny is not installed.
    TypeError, ValueError
        If `explainer` is not one of texts, or an argument has a wrong value.

    Examples
    --------
    >>> from pylime import as_classifier
    >>> def model(texts):
    ...     return [min(text.count("good") / 3, 1) for text in texts]
    >>> explainer = lime(["not bad", "very good"], as_classifier(model, ["bad", "good"]))
    >>> app = interactive_text_explanations(explainer)
    >>> shiny.run_app(app)  # doctest: +SKIP
    """
    _need_shiny("interactive_text_explanations")
    if not isinstance(explainer, TextExplainer):
        raise TypeError(
            "`explainer` must come from lime() of texts; "
            f"not an object of class {type(explainer).__name__!r}."
        )
    texts = {
        "window_title": window_title,
        "title": title,
        "place_holder": place_holder,
        "minimum_length_error": minimum_length_error,
    }
    for name, value in texts.items():
        checks.text(name, value)
    checks.count("minimum_length", minimum_length)
    checks.count("max_feature_to_select", max_feature_to_select)
    if minimum_length_error == _TOO_SHORT.format(3):
        minimum_length_error = _TOO_SHORT.format(minimum_length)
    from shiny import App

    # Work in the queue of a single thread can be cancelled; a running thread cannot be
    # stopped from outside.
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pylime")
    server = functools.partial(_serve, explainer, worker, minimum_length, minimum_length_error)

    def serve(input: "Inputs", output: "Outputs", session: "Session") -> None:
        server(input, session)

    piece = piece_of(explainer.tokenization)
    return App(_page(window_title, title, place_holder, max_feature_to_select, piece), serve)


def text_explanations_output(
    id: str, width: str | float = "100%", height: str | float = "auto"
) -> "Tag":
    """
    Make the element of a Shiny page in which highlighted texts appear.

    Parameters
    ----------
    id
        Name of the function that `render_text_explanations` decorates.
    width, height
        Its size: pixels, or a CSS length.

    Returns
    -------
    htmltools.Tag
        An element for the page.

    Raises
    ------
    ImportError
        If Shiny is not installed.

    Examples
    --------
    >>> text_explanations_output("words", height=300).attrs["style"]
    'width: 100%; height: 300px; overflow: auto'
    """
    _need_shiny("text_explanations_output")
    from shiny import ui

    size = f"width: {css_size('width', width)}; height: {css_size('height', height)}"
    # A box around it, because Shiny's own element has none in some layouts.
    return ui.div(ui.output_ui(id), style=f"{size}; overflow: auto")


@overload
def render_text_explanations(
    function: None = None,
) -> "Callable[[Callable[[], object]], RenderUI]": ...
@overload
def render_text_explanations(function: Callable[[], object]) -> "RenderUI": ...
def render_text_explanations(
    function: Callable[[], object] | None = None,
) -> "RenderUI | Callable[[Callable[[], object]], RenderUI]":
    """
    Show highlighted texts in a Shiny page; a decorator for functions of its server.

    Parameters
    ----------
    function
        Returns an explanation, its `pylime.plot_text_explanations`, or None for nothing.
        Elements of a page are shown unchanged. The function may be asynchronous.

    Returns
    -------
    shiny.render.ui
        The content of the `text_explanations_output` with the function's name.

    Raises
    ------
    ImportError
        If Shiny is not installed.

    Examples
    --------
    >>> def server(input, output, session):
    ...     @render_text_explanations
    ...     def words():
    ...         return explain(input.text(), explainer)
    """
    _need_shiny("render_text_explanations")
    if function is None:
        return render_text_explanations
    from shiny import render, ui

    @functools.wraps(function)
    async def show() -> Any:
        value = function()
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, pd.DataFrame):
            value = plot_text_explanations(value)
        return ui.HTML(value) if isinstance(value, TextExplanations) else value

    return render.ui(show)


def _need_shiny(who: str) -> None:
    try:
        import shiny  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{who} needs Shiny: pip install 'tidylime[app]'.") from error


def _page(window_title: str, title: str, place_holder: str, most_words: int, piece: str) -> "Tag":
    """Lay out the page."""
    from shiny import ui

    methods = {name: name.replace("_", " ") for name in FEATURE_SELECT}
    controls = ui.sidebar(
        ui.input_text_area(
            "text_to_explain",
            "Text",
            placeholder=place_holder,
            height="200px",
            width="100%",
            resize="vertical",
        ),
        ui.input_numeric(
            "number_permutations",
            "Quantity of permutations to generate",
            5000,
            min=2,
            max=_MOST_PERMUTATIONS,
            step=1000,
        ),
        ui.input_select(
            "feature_selection_strategy",
            f"{piece.capitalize()} selection strategies",
            methods,
            selected="auto",
        ),
        ui.input_slider(
            "number_features_to_explain",
            f"Number of {piece}s to select",
            min=1,
            max=most_words,
            value=min(2, most_words),
            step=1,
            ticks=False,
        ),
        width=340,
        open="always",
    )
    head = ui.div(
        ui.h1(title, class_="h4 m-0"),
        ui.input_dark_mode(),
        class_="d-flex justify-content-between align-items-center w-100",
    )
    return ui.page_sidebar(
        controls,
        text_explanations_output("text_explanations_plot"),
        title=head,
        window_title=window_title,
        lang="en",
    )


def _serve(
    explainer: TextExplainer,
    worker: ThreadPoolExecutor,
    minimum_length: int,
    minimum_length_error: str,
    input: "Inputs",
    session: "Session",
) -> None:
    """Serve one visitor."""
    from shiny import reactive, req

    problem: reactive.value[str | None] = reactive.value(minimum_length_error)
    has_plot = False

    @reactive.extended_task
    async def explanation(text: str, options: _Options) -> TextExplanations:
        stop = threading.Event()
        work = functools.partial(_explained, explainer, text, stop, options)
        try:
            return await asyncio.get_running_loop().run_in_executor(worker, work)
        finally:
            stop.set()

    newest: reactive.value[tuple[str, _Options] | None] = reactive.value(None)
    pause: asyncio.Task[None] | None = None

    def end() -> None:
        explanation.cancel()
        if pause is not None:
            pause.cancel()

    session.on_ended(end)

    async def set_after_pause(text: str, options: _Options) -> None:
        await asyncio.sleep(_PAUSE)
        async with reactive.lock():
            newest.set((text, options))
            await reactive.flush()

    @reactive.effect
    async def wait() -> None:
        nonlocal pause
        options: _Options = {
            "n_permutations": input.number_permutations(),
            "feature_select": input.feature_selection_strategy(),
            "n_features": input.number_features_to_explain(),
        }
        text = input.text_to_explain() or ""
        if pause is not None:
            pause.cancel()
        with reactive.isolate():
            if explanation.status() == "running":
                explanation.cancel()  # the newest input wins
        pause = asyncio.create_task(set_after_pause(text, options))

    @reactive.effect
    def start() -> None:
        if (wanted := newest()) is None:
            return
        text, options = wanted
        explanation.cancel()
        found = _problem_of(text, options["n_permutations"])
        problem.set(found)
        if found is None:
            explanation.invoke(text, options)

    def _problem_of(text: str, n_permutations: object) -> str | None:
        if len(text) > _MOST_CHARACTERS:
            return f"Text provided is too long to be explained here (> {_MOST_CHARACTERS})."
        try:
            words, _ = tokenize(text, explainer.tokenization)
        except Exception as error:  # a tokenizer of the user's can raise anything
            return f"The text could not be split into words. {type(error).__name__}: {error}"
        if len(words) < minimum_length:
            return minimum_length_error
        if not isinstance(n_permutations, int) or not 2 <= n_permutations <= _MOST_PERMUTATIONS:
            return (
                "The quantity of permutations must be a whole number from 2 to "
                f"{_MOST_PERMUTATIONS}."
            )
        return None

    @render_text_explanations
    def text_explanations_plot() -> "TextExplanations | Tag":
        nonlocal has_plot
        status = explanation.status()
        message = problem()
        if message is None and status == "error":
            error = explanation.error()
            message = f"The text could not be explained. {type(error).__name__}: {error}"
        if message is None and status != "success":
            if has_plot:  # the older explanation stays, and the page marks it as out of date
                req(False, cancel_output="progress")
            message = "The text is being explained ..."
        has_plot = message is None
        return explanation.result() if message is None else _message(message, status)


def _message(text: str, status: str) -> "Tag":
    from shiny import ui

    tone = "text-danger" if status == "error" else "text-body-secondary"
    return ui.p(text, class_=tone, style="overflow-wrap: anywhere")


def _explained(
    explainer: TextExplainer, text: str, stop: threading.Event, options: _Options
) -> TextExplanations:
    """Explain a text, in a thread that raises as soon as `stop` is set."""
    explanation = explain(
        [text], interruptible(explainer, stop), random_state=_SEED, progress=False, **options
    )
    return plot_text_explanations(explanation)


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Show the page with a classifier of sentences from docstrings by library.

    Parameters
    ----------
    arguments
        Command-line arguments, by default those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pylime.app",
        description="Show a page that explains which words reveal the library that a sentence "
        "comes from: numpy, scipy, pandas, scikit-learn or scikit-image.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 for any free port (8000)")
    options = parser.parse_args(arguments)
    _need_shiny("python -m pylime.app")
    import shiny

    from pylime.data.docstrings import docstring_classifier, docstring_sentences

    print("Training a model on the docstrings of the installed libraries ...", flush=True)
    sentences = docstring_sentences()
    explainer = lime(sentences["text"], docstring_classifier(sentences))
    app = interactive_text_explanations(
        explainer,
        title="Which library is this sentence from?",
        place_holder="Return the coordinates of the peaks of an image.",
    )
    # A message is sent to every visitor at each key of any: compressing these takes too long.
    shiny.run_app(app, host=options.host, port=options.port, ws_per_message_deflate=False)
