"""The documentation can be built, and its pages take nothing from elsewhere."""

import re
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
