"""What type checkers find in users' code: misspelt choices, and nothing in good calls."""

import importlib.util
import inspect
import json
import runpy
import subprocess
import sys
from dataclasses import fields
from types import UnionType
from typing import Annotated, Union, Unpack, get_args, get_origin, get_type_hints

import pytest
from conftest import ROOT, TESTS

import pylime
from pylime import options

SESSION, MISSPELT = (TESTS / "typing" / name for name in ("session.py", "misspelt.py"))
KINDS = (pylime.TABLE, pylime.TEXT, pylime.IMAGE)


def printed(*command):
    command = [sys.executable, "-m", *command, SESSION, MISSPELT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # the misspelt calls
    return done.stdout


def wrong_lines():
    """The numbers of the lines in the function of misspelt calls."""
    lines = MISSPELT.read_text("utf-8").splitlines()
    first = next(n for n, line in enumerate(lines, 1) if '"""None of these' in line)
    return list(range(first + 1, len(lines) + 1))


@pytest.mark.full
def test_pyright_finds_every_misspelt_line_and_no_other():
    report = json.loads(printed("pyright", "--outputjson", "--pythonpath", sys.executable))
    found = {
        (error["file"].replace("\\", "/").rpartition("/")[2], error["range"]["start"]["line"] + 1)
        for error in report["generalDiagnostics"]
        if error["severity"] == "error"
    }
    assert found == {(MISSPELT.name, line) for line in wrong_lines()}


@pytest.mark.full
@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="the extra `test`")
def test_mypy_finds_every_misspelt_line_and_no_other():
    settings = ("--config-file", TESTS / "typing" / "mypy.ini", "--output", "json")
    report = printed("mypy", *settings, "--python-executable", sys.executable)
    errors = [json.loads(line) for line in report.splitlines() if line.startswith("{")]
    found = {
        (error["file"].replace("\\", "/").rpartition("/")[2], error["line"])
        for error in errors
        if error["severity"] == "error"
    }
    assert found == {(MISSPELT.name, line) for line in wrong_lines()}


@pytest.mark.full
def test_the_session_runs(monkeypatch):
    monkeypatch.setattr(pylime.pipeline, "_KINDS", dict(pylime.pipeline._KINDS))
    known = dict(runpy.run_path(str(SESSION)))
    assert known["explanation"]["case"].nunique() == 3
    assert known["again"].equals(known["explanation"])


def alternatives(annotation):
    """The types that a type is one of, without the checks of options."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return {each for part in get_args(annotation) for each in alternatives(part)}
    return {annotation}


def options_of(call):
    """The options of all kinds of input, each with the types that one of them takes."""
    found = {}
    for kind in KINDS:
        record = getattr(kind, f"{call}_options")
        hints = get_type_hints(record, include_extras=True)
        for option in fields(record):
            found.setdefault(option.name, set()).update(alternatives(hints[option.name]))
    return found


@pytest.mark.parametrize(
    ("call", "typed"), [("lime", options.LimeOptions), ("explain", options.ExplainOptions)]
)
def test_options_have_for_type_checkers_the_types_that_they_are_checked_for(call, typed):
    hints = get_type_hints(typed)
    assert {name: alternatives(hint) for name, hint in hints.items()} == options_of(call)
    assert not typed.__required_keys__


def test_every_option_of_explain_has_a_type_for_the_functions_that_pass_it_on():
    parameters = inspect.signature(pylime.explain).parameters
    keywords = {
        name: parameter.annotation
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    hints = get_type_hints(options.EveryOption)
    own = get_type_hints(options.ExplainOptions)
    assert {name: hint for name, hint in hints.items() if name not in own} == keywords
    schema = inspect.signature(pylime.explain_batches).parameters
    beside = set(get_type_hints(options.SchemaOptions)) - set(hints)
    assert beside == {"case"} < set(schema)


def test_no_option_is_also_a_parameter_of_the_function_that_passes_it_on():
    typed = dict(vars(options), Unpack=Unpack)
    for name in pylime.__all__:
        function = getattr(pylime, name)
        if not inspect.isfunction(function):
            continue
        parameters = inspect.signature(function).parameters
        for parameter in parameters.values():
            if "Unpack" in str(parameter.annotation):
                (record,) = get_args(eval(parameter.annotation, typed))
                assert not set(parameters) & set(get_type_hints(record)), name
