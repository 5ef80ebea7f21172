"""The documentation can be built, and its pages take nothing from elsewhere."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pylime

pytest.importorskip("sphinx", reason="the extra `docs`")
SOURCES = Path(__file__).parent.parent / "vignettes"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site without the vignettes' outputs; what these show, their own tests check."""
    site = tmp_path_factory.mktemp("docs")
    settings = ["nb_execution_mode=off", "suppress_warnings=myst-nb.lexer"]
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", SOURCES, site]
    for setting in settings:
        command += ["-D", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


def test_every_public_name_has_an_entry(site):
    pages = "".join(path.read_text("utf-8") for path in (site / "api").glob("*.html"))
    for name in pylime.__all__:
        assert f'id="pylime.{name}"' in pages, name
    assert "][" not in re.sub(r"<pre>.*?</pre>", "", pages, flags=re.S)  # no link left unread


def test_pages_take_nothing_from_elsewhere(site):
    taken = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?!data:)([^\"]*)\"")
    found = 0
    for page in site.rglob("*.html"):
        for target in taken.findall(page.read_text("utf-8")):
            assert "//" not in target, (page.name, target)
            found += 1
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", sheet.read_text("utf-8"))
    assert found > 20
    assert (site / "searchindex.js").exists()


SOUGHT = {
    "excel": "into_other_tools",
    "database": "into_other_tools",
    "confidence": "how_far_to_trust",
    "uncertainty": "how_far_to_trust",
    "deploy": "your_own_model",
    "latency": "your_own_model",
    "email": "explaining_texts",
    "german": "explaining_texts",
    "folder": "explaining_images",
    "shap": "into_other_tools",
    "slow": "your_own_model",
    "nan": "api/explaining",
    "gpu": "your_own_model",
    "recommend": "how_to_choose",
    "parquet": "pylime_from_r",
    "licence": "index",
}


def test_search_finds_what_people_look_for(site):
    from sphinx.search.en import SearchEnglish

    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    stem = SearchEnglish({}).stem
    for word, page in SOUGHT.items():
        numbers = []
        for place in ("terms", "titleterms"):
            found = index[place].get(stem(word), [])
            numbers += [found] if isinstance(found, int) else found  # a single one stands alone
        pages = [index["docnames"][number] for number in numbers]
        assert page in pages, (word, pages)


def test_pages_link_to_other_libraries(site):
    for page, address in {
        "api/explaining.html": "pandas.pydata.org/docs/reference/api/pandas.DataFrame.html",
        "api/plots.html": "plotnine.org/reference/ggplot.html",
        "api/models.html": "numpy.org/doc/stable/reference/generated/numpy.ndarray.html",
        "explaining_texts.html": "scikit-learn.org/stable/modules/generated/sklearn.pipeline",
    }.items():
        assert f'href="https://{address}' in (site / page).read_text("utf-8"), page


def test_llms_txt_lists_every_page(site):
    listed = (site / "llms.txt").read_text("utf-8")
    assert listed.startswith("# pylime\n\n> Why did the model predict that?")
    for path in [*SOURCES.glob("*.md"), *SOURCES.glob("api/*.rst")]:
        page = path.relative_to(SOURCES).with_suffix("").as_posix()
        if page != "index":
            assert listed.count(f"]({page}.html)") == 1, page


def test_cells_of_tables_have_the_name_of_their_column(site):
    page = (site / "coming_from_r.html").read_text("utf-8")
    assert page.count('<span class="of-column">pylime</span>') > 20


@pytest.mark.parametrize(
    ("picture", "plot"), [("penguins", True), ("precision", True), ("cat-block", False)]
)
def test_plots_are_told_from_photographs(picture, plot):
    assert settings().is_plot(SOURCES / "figures" / f"{picture}.png") is plot


def settings(folder=SOURCES):
    """The settings of the documentation, as a module."""
    spec = importlib.util.spec_from_file_location("docs_conf", folder / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGE = """\
---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  name: python3
---

# A page

```{{code-cell}}
with open("runs.txt", "a") as file:
    file.write("{text}")
```
"""


def test_pages_that_ran_before_do_not_run_again(tmp_path):
    folder = tmp_path / "vignettes"
    folder.mkdir()
    (tmp_path / "pylime").mkdir()
    for name in ("inventories", "static"):
        shutil.copytree(SOURCES / name, folder / name)
    shutil.copy(SOURCES / "conf.py", folder)
    runs = folder / "runs.txt"

    def build(source, text):
        (tmp_path / "pylime" / "module.py").write_text(source)
        (folder / "index.md").write_text(PAGE.format(text=text))
        command = [sys.executable, "-m", "sphinx", "-E", "-W", "-q", folder, tmp_path / "site"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return runs.read_text()

    assert build("a = 1", "x") == "x"
    assert build("a = 1", "x") == "x"
    assert build("a = 2", "x") == "xx"  # the package is another
    assert build("a = 2", "y") == "xxy"  # the page is another
    assert build("a = 1", "x") == "xxy"
