"""
The public API as lines of text, one for each function, parameter, option, class and member.

`poe api` writes them to public_api.txt, if CHANGELOG.md names what has changed.
"""

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pylime
from pylime.checks import arguments_of

ROOT = Path(__file__).parent.parent
SNAPSHOT = Path(__file__).with_name("public_api.txt")
CHANGELOG = ROOT / "CHANGELOG.md"
PAGES = ROOT / "vignettes" / "api"

_ENTRY = re.compile(r"^\.\. auto(?:function|class|exception):: ([\w.]+)", re.MULTILINE)
_MODULE = re.compile(r"^\.\. automodule:: ([\w.]+)", re.MULTILINE)


def public_names() -> list[str]:
    """Everything in `pylime.__all__`, and what else has an entry on the pages of the API."""
    entries = {f"pylime.{name}" for name in pylime.__all__}
    for page in PAGES.glob("*.rst"):
        entries |= set(_ENTRY.findall(page.read_text("utf-8")))
    return sorted(entries)


def documented_modules() -> list[str]:
    """The modules that have an entry of their own, such as those of model libraries."""
    pages = [page.read_text("utf-8") for page in PAGES.glob("*.rst")]
    return sorted({name for page in pages for name in _MODULE.findall(page)})


def public_object(name: str) -> Any:
    """What a public name stands for."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def public_api() -> dict[str, str]:
    """
    The signatures as the source has them, by what they belong to.

    Keys are words: the public name, then a parameter, a member or a kind of input with one of its
    options. Annotations are those of the source, so that all versions of Python give the same;
    choices that they name have keys of their own.
    """
    lines: dict[str, str] = {}
    choices: dict[str, str] = {}
    for name in public_names():
        found = public_object(name)
        if inspect.isclass(found):
            lines |= _lines_of_class(name, found, choices)
        elif callable(found):
            lines |= _lines_of_function(name, found, choices)
        else:
            lines[name] = repr(found)
    for kind in (pylime.TABLE, pylime.TEXT, pylime.IMAGE):
        for call in ("lime", "explain"):
            options = getattr(kind, f"{call}_options")
            fields = _lines_of_class("options", options, choices)
            for option in arguments_of(options):
                lines[f"pylime.{call} {kind.name} {option}"] = fields[f"options {option}"]
    lines |= dict.fromkeys(documented_modules(), "a module")
    return dict(sorted((lines | choices).items()))


def _lines_of_function(name: str, function: Any, choices: dict[str, str]) -> dict[str, str]:
    function = inspect.unwrap(function)
    tree = _source_of(function)
    assert isinstance(tree, ast.FunctionDef)
    choices |= _choices_in(tree, function.__globals__)
    return _lines_of_arguments(name, tree, function.__globals__)


def _lines_of_arguments(
    name: str, tree: ast.FunctionDef, space: Mapping[str, Any]
) -> dict[str, str]:
    """A line with the order of the parameters, and one for each of them."""
    given = tree.args
    positional = [*given.posonlyargs, *given.args]
    without = len(positional) - len(given.defaults)
    lines: dict[str, str] = {}
    defaults: list[ast.expr | None] = [*[None] * without, *given.defaults, *given.kw_defaults]
    for argument, default in zip([*positional, *given.kwonlyargs], defaults, strict=True):
        if argument.arg in ("self", "cls"):
            continue
        lines[f"{name} {argument.arg}"] = _annotated(argument.annotation, default, space)
    order = [argument.arg for argument in given.posonlyargs] + ["/"] * bool(given.posonlyargs)
    order += [argument.arg for argument in given.args if argument.arg not in ("self", "cls")]
    if given.vararg:
        order.append(f"*{given.vararg.arg}")
    elif given.kwonlyargs:
        order.append("*")
    order += [argument.arg for argument in given.kwonlyargs]
    if given.kwarg:
        order.append(f"**{given.kwarg.arg}")
        lines[f"{name} {given.kwarg.arg}"] = _annotated(given.kwarg.annotation, None, space)
    returned = f" -> {ast.unparse(tree.returns)}" if tree.returns else ""
    return {name: f"({', '.join(order)}){returned}", **lines}


def _lines_of_class(name: str, kind: type, choices: dict[str, str]) -> dict[str, str]:
    """A line for the class, and one for each public field, property and method of its own."""
    bases = f"class({', '.join(base.__name__ for base in kind.__bases__)})"
    lines = {name: bases}
    for parent in reversed(kind.__mro__):
        if not parent.__module__.startswith("pylime"):
            continue
        tree = _source_of(parent)
        assert isinstance(tree, ast.ClassDef)
        space = vars(sys.modules[parent.__module__])
        for part in tree.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                member = part.target.id
                line = {f"{name} {member}": _annotated(part.annotation, part.value, space)}
            elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
                member = "init"
                line = _lines_of_arguments(name, part, space)
                line[name] = f"{bases} {line[name]}"
            elif isinstance(part, ast.FunctionDef):
                member = part.name
                line = _lines_of_arguments(f"{name} {member}", part, space)
                if any(ast.unparse(mark).endswith("property") for mark in part.decorator_list):
                    line = {f"{name} {member}": _annotated(part.returns, None, space)}
            else:
                continue
            if not member.startswith("_"):
                choices |= _choices_in(part, space)
                lines |= line
    return lines


def _source_of(thing: Any) -> ast.stmt:
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


def _annotated(
    annotation: ast.expr | None, default: ast.expr | None, space: Mapping[str, Any]
) -> str:
    """An annotation without the checks of options; the default, the value of a constant."""
    text = ast.unparse(_Unchecked().visit(annotation)).strip("'") if annotation else "Any"
    if default is None:
        return text
    value = space.get(default.id) if isinstance(default, ast.Name) else None
    return f"{text} = {ast.unparse(default) if value is None or callable(value) else repr(value)}"


class _Unchecked(ast.NodeTransformer):
    """Takes types out of `Annotated[type, check]`."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated":
            assert isinstance(node.slice, ast.Tuple)
            return node.slice.elts[0]
        return self.generic_visit(node)


def _choices_in(tree: ast.AST, space: Mapping[str, Any]) -> dict[str, str]:
    """The names of types with closed choices in a signature, with what they can be."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found = {name: _literals(space.get(name)) for name in names}
    return {f"choices {name}": ", ".join(map(repr, some)) for name, some in found.items() if some}


def _literals(annotation: Any) -> list[object]:
    """What a type lists literally, by itself or in a union."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return [value for part in get_args(annotation) for value in _literals(part)]
    return []


def read_snapshot(path: Path = SNAPSHOT) -> dict[str, str]:
    """The lines of the file, by what they belong to."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    pairs = (line.split(": ", 1) for line in lines if not line.startswith("#"))
    return dict(pairs)


def unreleased(changelog: str) -> list[str]:
    """The entries of the first section of a changelog."""
    section = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    return re.split(r"^- ", section, flags=re.MULTILINE)[1:]


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is new, gone or different, as keys."""
    return sorted(key for key in {*before, *now} if before.get(key) != now.get(key))


def unmentioned(keys: Iterable[str], entries: Iterable[str]) -> Iterator[str]:
    """
    Yield the keys that no entry of a changelog names.

    An entry names a key if it has the last part of the public name and, of a parameter, a member
    or an option, also its name.
    """
    words = [set(re.findall(r"\w+", entry)) for entry in entries]
    for key in keys:
        name, *others = key.split(" ")
        needed = {name.rpartition(".")[2], *others[-1:]} - {"choices"}
        if not any(needed <= each for each in words):
            yield key


def write_snapshot(path: Path = SNAPSHOT, changelog: Path = CHANGELOG) -> None:
    """Write the file, unless the changelog is silent about a change."""
    before, now = read_snapshot(path), public_api()
    changes = changed(before, now) if before else []
    missing = list(unmentioned(changes, unreleased(changelog.read_text("utf-8"))))
    if missing:
        listed = "\n".join(f"  {key}" for key in missing)
        raise SystemExit(
            "The first section of CHANGELOG.md must name, each in an entry that also names the "
            f"function or class it belongs to:\n{listed}"
        )
    header = "# The public API. Do not edit: add an entry to CHANGELOG.md, then run `poe api`.\n"
    path.write_text(header + "".join(f"{key}: {text}\n" for key, text in now.items()), "utf-8")
    print(f"{path.name}: {len(now)} lines, {len(changes)} changed")
