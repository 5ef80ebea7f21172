"""The public API: it changes with a line in the changelog, and all of it has examples."""

import inspect
import pydoc
import re

import public_api
import pytest

import pylime

# Why a public name shows no example.
WITHOUT_EXAMPLE = {
    "pylime.COLUMNS": "a tuple, which has no docstring of its own",
    "pylime.icu_tokenize": "it needs the extra `icu`",
    "pylime.models.imagenet.imagenet_classifier": "it needs Keras with a backend, and the weights",
}
CHANGELOG = """\
# Changelog

## 0.2.0 (unreleased)

- `explain(labels=...)` takes sets, too.
- `plot_new()`.

## 0.1.0

- `glance()`.
"""


def test_the_public_api_is_as_it_was_written_down():
    changes = public_api.changed(public_api.read_snapshot(), public_api.public_api())
    assert not changes, (
        "the public API has changed. Add an entry to CHANGELOG.md that names what is new, gone or "
        f"different, then `poe api` writes {public_api.SNAPSHOT.name}: {', '.join(changes)}"
    )


def test_the_snapshot_has_functions_options_members_and_choices():
    api = public_api.public_api()
    assert api["pylime.explain n_features"] == "int = 5"
    assert api["pylime.explain image n_superpixels"] == "int = 50"
    assert api["pylime.lime table n_bins"] == "NumberOfBins = 4"
    assert api["pylime.Superpixel"] == "class(_ArrayCell) (indices, shape) -> None"
    assert api["pylime.Word spans"] == "tuple[tuple[int, int], ...]"
    assert api["pylime.pipeline.Explainer model_type"] == "ModelType"
    assert api["choices OnError"] == "'warn', 'raise'"
    assert api["pylime.models.keras"] == "a module"
    assert api["pylime.plot_beeswarm palette"] == "Palette = ('#7A0F8A', '#F0A830')"
    assert not any("_check" in text or "Annotated" in text for text in api.values())


@pytest.mark.parametrize(
    "key", ["pylime.explain labels", "pylime.explain", "pylime.plot_new", "pylime.plots.plot_new"]
)
def test_an_entry_of_the_first_section_names_a_change(key):
    assert list(public_api.unmentioned([key], public_api.unreleased(CHANGELOG))) == []


@pytest.mark.parametrize(
    "key",
    [
        "pylime.glance",  # an entry of a section that has been released
        "pylime.explain n_labels",
        "pylime.plot_new labels",  # another entry has it
        "pylime.lime image labels",
        "choices OnError",
    ],
)
def test_other_changes_are_not_named(key):
    assert list(public_api.unmentioned([key], public_api.unreleased(CHANGELOG))) == [key]


def test_the_snapshot_is_written_only_with_an_entry_for_each_change(tmp_path, monkeypatch, capsys):
    path, changelog = tmp_path / "api.txt", tmp_path / "CHANGELOG.md"
    api = {"pylime.explain": "(x)", "pylime.explain x": "Input", "pylime.glance": "()"}
    monkeypatch.setattr(public_api, "public_api", lambda: dict(api))
    changelog.write_text(CHANGELOG, "utf-8")
    public_api.write_snapshot(path, changelog)  # the first has nothing to compare with
    assert public_api.read_snapshot(path) == api

    api |= {"pylime.explain labels": "Labels = None"}
    public_api.write_snapshot(path, changelog)
    assert public_api.read_snapshot(path) == api

    before = path.read_text("utf-8")
    del api["pylime.glance"]
    with pytest.raises(SystemExit, match=r"CHANGELOG.md must name.*\n  pylime.glance$"):
        public_api.write_snapshot(path, changelog)
    assert path.read_text("utf-8") == before
    changelog.write_text(CHANGELOG.replace("- `plot", "- `glance()` is gone.\n- `plot"), "utf-8")
    public_api.write_snapshot(path, changelog)
    assert public_api.read_snapshot(path) == api
    assert capsys.readouterr().out.endswith("api.txt: 3 lines, 1 changed\n")


def test_every_public_name_has_a_docstring_with_an_example():
    without = []
    for name in public_api.public_names():
        text = inspect.getdoc(public_api.public_object(name)) or ""
        examples = [line for line in text.splitlines() if re.match(r">>> (?!.*\+SKIP)", line)]
        if not examples or len(text) < 100:
            without.append(name)
    assert without == list(WITHOUT_EXAMPLE)


def test_help_shows_no_markup():
    markup = re.compile(
        r":[a-z:]+:`[^`]*`"  # a role
        r"|\]_(?![\w\]])"  # a citation
        r"|^[\s|]*\.\. [\w\[]"  # a directive, or the target of a citation
        r"|`[^`\n]+ <[^>\n]+>`_"  # a link
        r"|``",
        re.MULTILINE,
    )
    shown = {"pylime": pylime.__doc__ or ""}
    for name in public_api.public_names():
        found = public_api.public_object(name)
        if callable(found):
            own = inspect.getdoc(found) or ""
            members = vars(found) if inspect.isclass(found) else {}
            docs = [
                inspect.getdoc(member) or "" for key, member in members.items() if key[0] != "_"
            ]
            shown[name] = "\n".join([own, *docs])
    shown |= {name: pydoc.render_doc(name, renderer=pydoc.plaintext) for name in ["pylime.explain"]}
    raw = {name: markup.findall(text) for name, text in shown.items()}
    assert {name: found for name, found in raw.items() if found} == {}
