"""The page that explains texts, in a real browser."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shiny import App, ui

import pylime
from pylime import (
    as_classifier,
    explain,
    interactive_text_explanations,
    lime,
    plot_text_explanations,
    render_text_explanations,
    text_explanations_output,
)
from pylime.app.interruptible import StoppedError, interruptible

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "\"'><img src=x onerror=alert(1)> <script>alert(2)</script></p></style> good &lt;b&gt;"
TOO_SHORT = "Text provided is too short to be explained (>= 3)."
OUTPUT = "#text_explanations_plot"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium: apt-get install chromium"
)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its profile is a new, empty folder.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A page that notes dialogs, and requests to anywhere else than here."""
    contexts = []
    alarms = []

    def note_request(request):
        if not re.match(r"(https?|wss?)://127\.0\.0\.1:|file:|data:|blob:", request.url):
            alarms.append(request.url)

    def open_page(url, scheme="light"):
        contexts.append(browser.new_context(color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("request", note_request)
        page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: alarms.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert alarms == []


@contextmanager
def serving(app):
    """The address of an app that runs in a thread."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)


def count_good(texts):
    """A cheap model: how good a text says it is."""
    return np.array([min(text.lower().count("good") / 4, 1) for text in texts])


def explainer_of(model=count_good, labels=("bad", "good")):
    return lime(["good", "bad"], as_classifier(model, list(labels)), probe=False)


def write(page, text):
    page.fill("#text_to_explain", text)


def wait_for_output(page, text):
    page.wait_for_function(
        "([where, text]) => document.querySelector(where).innerText.includes(text)",
        arg=[OUTPUT, text],
    )


def names_of_elements(page, where):
    """Each kind of element below another, with its attributes."""
    script = """where => [...document.querySelectorAll(where + ' *')].map(
        node => [node.localName, ...node.getAttributeNames()].join(' '))"""
    return set(page.evaluate(script, where))


ALLOWED = {
    "div class style",
    "div class",
    "style",
    "p class dir",
    "p class",
    "mark class title",
    "span",
    "span class",
    "span aria-hidden",
    "bdi",
}


@needs_browser
def test_the_command_shows_a_page_on_which_texts_are_explained(open_page, tmp_path):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pylime.app", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_page(url, process)
            for scheme in ("light", "dark"):
                _use_page(open_page(url, scheme), tmp_path / f"{scheme}.png")
        finally:
            process.terminate()
    light, dark = ((tmp_path / f"{scheme}.png").stat().st_size for scheme in ("light", "dark"))
    assert min(light, dark) > 10_000


def _wait_for_page(url, process):
    for _ in range(300):
        try:
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert process.poll() is None
            time.sleep(0.1)
    raise AssertionError("no page")


def _use_page(page, screenshot):
    wait_for_output(page, TOO_SHORT)
    write(page, "Return a copy of the image with the edges of its regions as a DataFrame.")
    page.wait_for_selector("mark")
    assert page.locator("mark").count() == 2
    assert "Label predicted: scikit-image" in page.locator(OUTPUT).inner_text()
    handle = page.locator(".irs-handle").bounding_box()
    line = page.locator(".irs-line").bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] * 0.3, handle["y"] + 5, steps=5)
    page.mouse.up()
    page.wait_for_function("document.querySelectorAll('mark').length > 4")
    colours = page.evaluate(
        """() => [...document.querySelectorAll('mark')].map(
            mark => [mark.className, getComputedStyle(mark).backgroundColor,
                     getComputedStyle(mark).borderBottomStyle])"""
    )
    assert "rgba(0, 0, 0, 0)" not in {colour for _, colour, _ in colours}
    for name, _, line_style in colours:
        assert line_style == ("solid" if name.startswith("positive") else "dashed")
    page.screenshot(path=screenshot)
    write(page, "Too short")
    wait_for_output(page, TOO_SHORT)
    assert page.locator("mark").count() == 0


@needs_browser
def test_a_hostile_text_adds_nothing_to_the_page(open_page):
    app = interactive_text_explanations(
        explainer_of(labels=(f"bad {HOSTILE}", f"good {HOSTILE}")), title=HOSTILE
    )
    with serving(app) as url:
        page = open_page(url)
        for text in (HOSTILE, f"a b\r\n\tc  d {HOSTILE} good good good"):
            write(page, text)
            page.wait_for_function(
                "start => document.querySelector('.words')?.textContent.startsWith(start)",
                arg=text[:3],
            )
            assert names_of_elements(page, OUTPUT) <= ALLOWED
            shown = page.locator(".words").text_content()
            assert shown == text.replace("\r\n", "\n")  # as text boxes do
            assert HOSTILE in page.locator(".facts").text_content()


@needs_browser
def test_errors_of_the_model_are_shown(open_page):
    def broken(texts):
        if any("crash" in text for text in texts):
            raise RuntimeError("<b>out of order</b>")
        return count_good(texts)

    with serving(interactive_text_explanations(explainer_of(broken))) as url:
        page = open_page(url)
        write(page, "one good crash")
        wait_for_output(page, "could not be explained. RuntimeError: <b>out of order</b>")
        assert page.locator(f"{OUTPUT} b").count() == 0
        write(page, "one good day")
        page.wait_for_selector("mark")
        page.fill("#number_permutations", "1")
        wait_for_output(page, "must be a whole number from 2 to 50000")
        page.fill("#number_permutations", "50")
        page.wait_for_selector("mark")
        page.fill("#number_permutations", "20000000")
        wait_for_output(page, "must be a whole number from 2 to 50000")
        page.fill("#number_permutations", "")
        wait_for_output(page, "quantity of permutations must be a whole number")
        page.fill("#number_permutations", "50")
        page.wait_for_selector("mark")
        write(page, "good " * 5000)
        wait_for_output(page, "too long to be explained here")
        write(page, "one good day")
        page.wait_for_selector("mark")
        for name in ("none", "highest_weights", "lasso_path"):
            page.select_option("#feature_selection_strategy", name)
            page.wait_for_selector("mark")


@needs_browser
def test_the_newest_text_wins_and_the_page_is_never_blocked(open_page):
    go_on = threading.Event()
    asked = []

    def slow(texts):
        asked.append(texts[0])
        if "slow" in texts[0]:
            assert go_on.wait(30)
        return count_good(texts)

    with serving(interactive_text_explanations(explainer_of(slow))) as url:
        page = open_page(url)
        try:
            write(page, "one slow good text")
            wait_for_output(page, "The text is being explained")
            write(page, "short")
            wait_for_output(page, TOO_SHORT)  # although the model is still busy
            write(page, "another slow good text")
            wait_for_output(page, "The text is being explained")
            write(page, "the newest good text")
            page.wait_for_timeout(600)
            assert asked == ["one slow good text"]
        finally:
            go_on.set()
        page.wait_for_selector("mark")
        assert page.locator(".words").text_content() == "the newest good text"
        assert asked == ["one slow good text", "the newest good text"]


def test_an_explanation_that_nobody_waits_for_is_given_up():
    stop = threading.Event()
    asked = []

    def model(texts):
        asked.append(len(texts))
        if len(asked) == 2:
            stop.set()
        return count_good(texts)

    explainer = interruptible(explainer_of(model), stop)
    with pytest.raises(StoppedError):
        explain("a good text of ten words and so on", explainer)
    assert asked == [128, 256]


def test_parts_change_nothing():
    text = "a good text of good words and so on, good enough for a test"
    explainer = explainer_of()
    explanation = explain(text, explainer, random_state=1)
    in_parts = explain(text, interruptible(explainer, threading.Event()), random_state=1)
    pd.testing.assert_frame_equal(in_parts, explanation)


@needs_browser
def test_the_parts_work_in_an_app_of_ones_own(open_page):
    explainer = explainer_of()
    page_of_ones_own = ui.page_fluid(
        ui.input_text("text", "Text", "a good day"),
        text_explanations_output("frame", height=200),
        text_explanations_output("plot", width="50%"),
        text_explanations_output("nothing"),
    )

    def server(input, output, session):
        @render_text_explanations
        def frame():
            return explain(input.text(), explainer, random_state=1)

        @render_text_explanations()
        async def plot():
            return plot_text_explanations(explain(input.text(), explainer, random_state=1))

        @render_text_explanations
        def nothing():
            return None

    with serving(App(page_of_ones_own, server)) as url:
        page = open_page(url)
        page.wait_for_selector("#frame mark")
        page.wait_for_selector("#plot mark")
        assert page.locator("#frame").inner_html() == page.locator("#plot").inner_html()
        assert page.locator("#nothing").inner_html() == ""
        sizes = page.evaluate(
            """() => ['#frame', '#plot'].map(id => {
                const box = document.querySelector(id).parentElement;
                return [box.offsetHeight, box.offsetWidth / box.parentElement.offsetWidth]})"""
        )
        assert sizes[0][0] == 200
        assert 0.45 < sizes[1][1] < 0.55
        page.fill("#text", "no good evening")
        page.wait_for_function(
            "document.querySelector('#plot .words')?.textContent == 'no good evening'"
        )


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_plot_looks_the_same_in_a_browser(open_page, tmp_path, scheme):
    explainer = explainer_of()
    texts = [
        HOSTILE,
        "one\n\n two\tgood\r\nthree  \N{HEBREW LETTER ALEF} 4",
        " \x0b\x7f good\x85 x",
    ]
    explanation = explain(texts, explainer, n_labels=2, random_state=1)
    plot_text_explanations(explanation).save(tmp_path / "plot.html")
    page = open_page((tmp_path / "plot.html").as_uri(), scheme)
    assert names_of_elements(page, "body") <= ALLOWED
    shown = page.locator(".words").all_text_contents()
    assert shown == [text for text in texts for _ in range(2)]
    colours = page.evaluate(
        """() => [getComputedStyle(document.querySelector('.pylime-text')).backgroundColor,
                  getComputedStyle(document.querySelector('.words')).whiteSpace]"""
    )
    assert colours == [
        {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme],
        "pre-wrap",
    ]


@needs_browser
def test_a_plot_neither_changes_its_page_nor_another_plot(open_page, tmp_path):
    explanation = explain(["a good day"], explainer_of(), random_state=1)
    plot = plot_text_explanations(explanation)
    switched = f'<div data-bs-theme="dark">{plot}</div>'
    own = "<p class='words'>mine</p><mark class='positive_1'>mine</mark>"
    styles = """() => [...document.querySelectorAll('.words, mark')].map(node => {
        const style = getComputedStyle(node);
        return [style.color, style.backgroundColor, style.margin, style.borderBottomStyle]})"""
    found = {}
    for name, body in {"own": own, "one": plot, "all": f"{plot}{switched}{plot}{own}"}.items():
        page_file = Path(tmp_path / f"{name}.html")
        page_file.write_text(f"<!DOCTYPE html><html><body>{body}</body></html>", "utf-8")
        found[name] = open_page(page_file.as_uri()).evaluate(styles)
    one, everything, own = found["one"], found["all"], found["own"]
    n = len(one)
    assert everything[:n] == everything[2 * n : 3 * n] == one
    assert everything[n : 2 * n] != one  # a page's own switch wins over the system's
    assert everything[3 * n :] == own


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"title": 3}, TypeError, "`title` must be a string; not 3"),
        ({"minimum_length": 0}, ValueError, "`minimum_length` must be a positive whole number"),
        ({"max_feature_to_select": 2.5}, TypeError, "`max_feature_to_select` must be a positive"),
    ],
)
def test_wrong_arguments_are_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        interactive_text_explanations(explainer_of(), **arguments)


def test_only_texts_have_a_page():
    images = lime(
        np.zeros((9, 9, 3), dtype=np.uint8),
        as_classifier(lambda x: x.mean(axis=(1, 2, 3)), ["a", "b"]),
    )
    with pytest.raises(
        TypeError, match=r"must come from lime\(\) of texts; not .*'ImageExplainer'"
    ):
        interactive_text_explanations(images)


def test_the_message_tells_the_length_that_was_asked_for():
    app = interactive_text_explanations(explainer_of(), minimum_length=5, max_feature_to_select=1)
    assert isinstance(app, App)
    with pytest.raises(ValueError, match="`height` must be"):
        text_explanations_output("id", height="tall")


@pytest.mark.parametrize(
    "name",
    ["interactive_text_explanations", "render_text_explanations", "text_explanations_output"],
)
def test_without_shiny_the_error_says_what_to_install(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "shiny", None)
    message = rf"^{name} needs Shiny: pip install 'tidylime\[app\]'\.$"
    with pytest.raises(ImportError, match=message):
        getattr(pylime, name)(pd.NA)


def test_twenty_visitors_who_type_at_the_same_time_are_answered_soon():
    """Beside other tests; alone, `python tests/app/visitors.py` measures well under 3 seconds."""
    from visitors import load

    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pylime.app", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_page(f"http://127.0.0.1:{port}/", process)
            with ThreadPoolExecutor() as threads:  # the browser has a loop in this one
                visits = load(port, sentence="{} peaks of an image in a Series")
                waits = threads.submit(asyncio.run, visits).result()
        finally:
            process.terminate()
    assert len(waits) == 20
    assert waits[-1] < 3
