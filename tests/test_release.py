"""The files that a release, a forge and packagers read: they agree with the project's own."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import pylime

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, TASKS = SETTINGS["project"], SETTINGS["tool"]["poe"]["tasks"]


def read(path):
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def test_the_version_stands_in_one_place():
    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    version = (ROOT / SETTINGS["tool"]["hatch"]["version"]["path"]).read_text("utf-8")
    # The recipe of conda reads what stands between the same quotation marks.
    assert version.split('"')[7] == pylime.__version__
    assert '(load_from_file("../pylime/_version.py") | split(\'"\'))[7]' in (
        ROOT / ".conda" / "recipe.yaml"
    ).read_text("utf-8")
    assert f"## {pylime.__version__} " in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "version" not in read("CITATION.cff")


def test_the_conda_recipe_has_the_requirements_of_the_project():
    recipe = read(".conda/recipe.yaml")
    required = [re.sub("(?=>=)", " ", line).lower() for line in PROJECT["dependencies"]]
    assert recipe["requirements"]["run"] == ["python " + PROJECT["requires-python"], *required]
    (backend,) = SETTINGS["build-system"]["requires"]
    assert re.sub("(?=>=)", " ", backend) in recipe["requirements"]["host"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["summary"] == PROJECT["description"]
    assert recipe["package"]["name"] == PROJECT["name"]


def test_pythons_of_the_metadata_are_checked():
    prefix = "Programming Language :: Python :: "
    named = [name.removeprefix(prefix) for name in PROJECT["classifiers"] if prefix in name]
    versions = [name for name in named if "." in name]
    checked = read(".github/workflows/check.yml")["jobs"]["newest"]["strategy"]["matrix"]["python"]
    assert versions == checked[: len(versions)]
    assert PROJECT["requires-python"] == f">={versions[0]}"


def test_workflows_run_what_the_project_has():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    parts = set(re.findall(r"^(\w+)\(\) \{$", script, re.M))
    jobs = read(".github/workflows/check.yml")["jobs"]
    called = {*jobs["newest"]["steps"][-1]["run"].split()[1:]}
    called |= {*jobs["lowest"]["strategy"]["matrix"]["part"]}
    assert called == parts
    assert "set -- newest bare lowest extras;" in script
    release = read(".github/workflows/release.yml")["jobs"]
    assert "poe release" in release["build"]["steps"][-2]["run"]
    assert release["publish"]["permissions"] == {"id-token": "write"}


def test_hooks_call_tasks_of_the_project():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        command = hook["entry"].removeprefix("poe ")
        assert command in TASKS or hook["entry"] in TASKS.values()


@pytest.mark.parametrize("name", ["bug", "differs_from_r", "unknown_model"])
def test_forms_of_issues_ask_for_what_reproduces_them(name):
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    required = [
        field["id"] for field in form["body"] if field.get("validations", {}).get("required")
    ]
    assert {"r", "fit", "code"} & set(required)


def test_the_citation_names_what_the_package_rests_on():
    citation = read("CITATION.cff")
    assert [work["doi"] for work in citation["references"]] == [
        "10.32614/CRAN.package.lime",
        "10.1145/2939672.2939778",
    ]
