"""Long runs into a folder: what is kept, what is made again, what is refused."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from PIL import Image

from pylime import (
    as_classifier,
    as_regressor,
    explain,
    explain_to_parquet,
    lime,
    read_explanation,
    write_explanation,
)

SETTINGS = {"n_permutations": 200, "n_features": 3, "random_state": 7}


def probability(rows):
    return 1 / (1 + np.exp(-2 * rows["signal"]))


def some_rows(n=20) -> pd.DataFrame:
    random = np.random.default_rng(8)
    rows = pd.DataFrame(random.normal(size=(n, 3)), columns=["signal", "noise", "dull"])
    return rows.assign(town=random.choice(["Oslo", "Bergen"], n))


ROWS = some_rows()
EXPLAINER = lime(ROWS, as_classifier(probability, ["no", "yes"]))
BATCHES = [ROWS[start : start + 5] for start in range(0, 20, 5)]

KILLED = """
import os, signal, sys
import numpy as np
sys.path.insert(0, {tests!r})
from test_runs import BATCHES, ROWS, SETTINGS, probability
from pylime import as_classifier, explain_to_parquet, lime

def deadly(rows):
    if "DIE" in os.environ and rows["signal"].isin(BATCHES[2]["signal"].tail(1)).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return probability(rows)

explainer = lime(ROWS, as_classifier(deadly, ["no", "yes"]), probe=False)
explain_to_parquet(BATCHES, explainer, {folder!r}, **SETTINGS)
"""


@pytest.mark.linux
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path):
    folder = tmp_path / "killed"
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(folder))

    def start(**environment):
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    died = start(DIE="1")
    assert died.returncode == -signal.SIGKILL, died.stderr
    names = ["manifest.json", "part-00000.parquet", "part-00001.parquet"]
    assert sorted(os.listdir(folder)) == ["journal.jsonl", *names]
    (folder / ".part-00002.parquet.0123abcd.tmp").write_bytes(b"PAR1 half of it")
    before = {name: (folder / name).stat().st_mtime_ns for name in names}
    with pytest.warns(UserWarning, match="incomplete: it was not finished after 2 parts") as told:
        assert read_explanation(folder)["case"].nunique() == 10
    assert told[0].filename == __file__

    done = start()
    assert done.returncode == 0, done.stderr
    assert {name: (folder / name).stat().st_mtime_ns for name in names} == before
    rest = ["part-00002.parquet", "part-00003.parquet"]
    assert sorted(os.listdir(folder)) == ["journal.jsonl", *names, *rest]
    files = explain_to_parquet(BATCHES, EXPLAINER, tmp_path / "whole", **SETTINGS)
    whole = read_explanation(tmp_path / "whole")
    assert_frame_equal(read_explanation(folder), whole, check_exact=True)
    assert_frame_equal(whole, explain(ROWS, EXPLAINER, **SETTINGS), check_exact=True)
    assert [file.name for file in files] == [f"part-{number:05d}.parquet" for number in range(4)]


@pytest.mark.parametrize("n_permutations", [200, "auto"])
def test_further_columns_are_stored_and_read_back(tmp_path, n_permutations):
    settings = {**SETTINGS, "n_permutations": n_permutations, "intervals": True, "quality": True}
    settings |= {"contributions": True, "n_calls": 50, "penalty": 0}
    bad = ROWS[:1].assign(signal=np.inf)  # a batch of which nothing can be explained comes first
    with pytest.warns(UserWarning, match="No case of batch 0"):
        explain_to_parquet([bad, *BATCHES], EXPLAINER, tmp_path / "run", **settings)
    expected = explain(ROWS, EXPLAINER, **settings)
    assert_frame_equal(read_explanation(tmp_path / "run"), expected)
    for ending in ("json", "parquet"):
        write_explanation(expected, tmp_path / f"whole.{ending}")
        assert_frame_equal(read_explanation(tmp_path / f"whole.{ending}"), expected)
    with pytest.raises(ValueError, match="contains another run"):
        explain_to_parquet(BATCHES, EXPLAINER, tmp_path / "run", **{**settings, "n_calls": 40})


def test_damaged_and_missing_parts_are_made_again(tmp_path):
    files = explain_to_parquet(iter(BATCHES), EXPLAINER, tmp_path, **SETTINGS)
    whole = read_explanation(tmp_path)
    content = [file.read_bytes() for file in files]
    files[0].write_bytes(content[0][: len(content[0]) // 2])
    broken = bytearray(content[1])
    broken[len(broken) // 3] ^= 0xFF
    files[1].write_bytes(bytes(broken))
    files[2].unlink()
    with pytest.raises(ValueError, match=r"part-00002\.parquet is missing among the 4 parts"):
        read_explanation(tmp_path)
    kept = files[3].stat().st_mtime_ns
    assert explain_to_parquet(BATCHES, EXPLAINER, tmp_path, **SETTINGS, n_jobs=2) == files
    assert_frame_equal(read_explanation(tmp_path), whole, check_exact=True)
    assert files[3].stat().st_mtime_ns == kept
    more = [*BATCHES, some_rows(25)[20:]]
    assert len(explain_to_parquet(more, EXPLAINER, tmp_path, **SETTINGS)) == 5


def test_a_run_that_is_not_whole_or_not_one_is_told(tmp_path):
    whole, other = tmp_path / "whole", tmp_path / "other"
    files = explain_to_parquet(BATCHES, EXPLAINER, whole, **SETTINGS)
    explain_to_parquet(BATCHES, EXPLAINER, other, **{**SETTINGS, "random_state": 8})
    content = [file.read_bytes() for file in files]
    files[3].unlink()
    with pytest.raises(ValueError, match=r"part-00003\.parquet is missing among the 4 parts"):
        read_explanation(whole)
    shutil.copy(other / "part-00003.parquet", whole)
    with pytest.raises(ValueError, match=r"part-00003\.parquet is not a part of the run"):
        read_explanation(whole)
    files[3].write_bytes(content[3])
    expected = read_explanation(whole)
    write_explanation(expected.head(3), files[2])
    with pytest.raises(ValueError, match=r"part-00002\.parquet is not a part of the run"):
        read_explanation(whole)
    # Changed by another program, which keeps the metadata.
    table = pq.read_table(io.BytesIO(content[1]))
    pq.write_table(table.slice(1), files[1])
    files[2].write_bytes(content[2])
    with pytest.raises(ValueError, match=r"part-00001\.parquet was changed after"):
        read_explanation(whole)
    explain_to_parquet(BATCHES, EXPLAINER, whole, **SETTINGS)
    assert_frame_equal(read_explanation(whole), expected, check_exact=True)
    # Another batch makes it unfinished until it is written; so does a line that was cut off.
    journal = whole / "journal.jsonl"
    journal.write_text(journal.read_text().rpartition("\n")[0] + '\n{"finis')
    with pytest.warns(UserWarning, match="was not finished after 4 parts"):
        read_explanation(whole)
    explain_to_parquet(BATCHES[:2], EXPLAINER, whole, **SETTINGS)
    assert_frame_equal(read_explanation(whole), expected, check_exact=True)
    (whole / "manifest.json").unlink()
    with pytest.warns(UserWarning, match=r"has no manifest\.json, so it is not known"):
        read_explanation(whole)
    with pytest.raises(TypeError, match="has no option 'plain'"):
        explain_to_parquet(BATCHES, EXPLAINER, whole, plain=True, **SETTINGS)


def test_a_seed_is_drawn_once(tmp_path):
    options = {"n_permutations": 200}
    explain_to_parquet(BATCHES[:2], EXPLAINER, tmp_path, **options)
    seed = json.loads((tmp_path / "manifest.json").read_text())["seed"]
    explain_to_parquet(BATCHES, EXPLAINER, tmp_path, **options)
    assert_frame_equal(
        read_explanation(tmp_path), explain(ROWS, EXPLAINER, random_state=seed, **options)
    )
    for number in range(2):
        random = np.random.default_rng(5)
        explain_to_parquet(BATCHES, EXPLAINER, tmp_path / "b", random_state=random, **options)
        assert len(os.listdir(tmp_path / "b")) == 6, number


def double(rows):
    return probability(rows) / 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"random_state": 8}, "`seed` was 7 and is 8"),
        ({"n_features": 2}, "`n_features` was 3 and is 2"),
        ({"n_permutations": 300}, "`n_permutations` was 200 and is 300"),
        ({"labels": "yes"}, "`labels` was None and is 'yes'"),
        ({"draws": "independent"}, "`draws` was 'balanced' and is 'independent'"),
        ({"dist_fun": "euclidean"}, "`dist_fun` was 'gower' and is 'euclidean'"),
        ({"model": double}, "the model, `preprocess` or .* returns something else"),
        ({"data": ROWS[:19]}, "made from other training data"),
        ({"n_bins": 5}, "`n_bins` was 4 and is 5"),
        ({"batches": BATCHES[::-1]}, "the first batch has other cases"),
        ({"batches": [BATCHES[0], BATCHES[2]]}, "part-00001.* of other cases than this batch"),
    ],
)
def test_nothing_else_goes_into_the_same_folder(tmp_path, change, message):
    files = explain_to_parquet(BATCHES, EXPLAINER, tmp_path, **SETTINGS)
    before = [file.read_bytes() for file in files]
    change = dict(change)
    model = as_classifier(change.pop("model", probability), ["no", "yes"])
    bins = {"n_bins": change.pop("n_bins", 4)}
    explainer = lime(change.pop("data", ROWS), model, **bins)
    batches = change.pop("batches", BATCHES)
    with pytest.raises(ValueError, match=message):
        explain_to_parquet(batches, explainer, tmp_path, **{**SETTINGS, **change})
    assert [file.read_bytes() for file in files] == before
    # What is written differently but means the same is the same.
    explain_to_parquet(BATCHES, EXPLAINER, tmp_path, **SETTINGS, gower_pow=1, feature_select="auto")


def test_the_rows_that_a_group_remembers_are_compared_but_not_shown(tmp_path):
    rows = some_rows(300).assign(p=np.arange(300.0), q=np.arange(300.0))
    other = rows.assign(p=rows["p"].to_numpy()[::-1])
    groups, model = {"both": ["p", "q"]}, as_classifier(probability, ["no", "yes"])
    batches = [rows.head(3)]
    explain_to_parquet(batches, lime(rows, model, groups=groups), tmp_path, **SETTINGS)
    assert len((tmp_path / "manifest.json").read_text()) < 5000
    with pytest.raises(ValueError, match="`units` was"):
        explain_to_parquet(batches, lime(other, model, groups=groups), tmp_path, **SETTINGS)


def test_parts_of_another_folder_are_refused(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    explain_to_parquet(BATCHES[:1], EXPLAINER, one, **SETTINGS)
    explain_to_parquet(BATCHES[:1], EXPLAINER, other, **{**SETTINGS, "n_features": 2})
    (one / "part-00000.parquet").replace(other / "part-00000.parquet")
    with pytest.raises(ValueError, match="or belongs to another run"):
        explain_to_parquet(BATCHES[:1], EXPLAINER, other, **{**SETTINGS, "n_features": 2})
    (other / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"parts of a run but no manifest\.json"):
        explain_to_parquet(BATCHES[:1], EXPLAINER, other, **SETTINGS)
    for text, message in [
        ("{", "is damaged"),
        ("[]", r"was not written by explain_to_parquet\(\)"),
    ]:
        (one / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            explain_to_parquet(BATCHES[:1], EXPLAINER, one, **SETTINGS)


def test_texts_are_called_by_their_position_among_all(tmp_path):
    model = as_classifier(lambda texts: [0.1 + 0.2 * text.count("good") for text in texts])
    texts = [f"a good text and a {word}" for word in ("man", "dog", "cat", "day", "car")]
    explainer = lime(texts, model)
    batches = [texts[:2], texts[2:]]
    explain_to_parquet(batches, explainer, tmp_path, **SETTINGS)
    again = read_explanation(tmp_path)
    assert_frame_equal(again, explain(texts, explainer, **SETTINGS))
    for tokenization in ("[a-z]+", lambda text: text.split()[:4]):
        other = lime(texts, model, tokenization=tokenization)
        with pytest.raises(ValueError, match="`tokenization` was 'default_tokenize' and is"):
            explain_to_parquet(batches, other, tmp_path, **SETTINGS)


def test_arrays_and_pictures_go_batch_by_batch(tmp_path, brightness):
    numbers = np.random.default_rng(3).normal(size=(8, 3))
    explainer = lime(numbers, as_regressor(lambda rows: rows @ [1.0, 2.0, 3.0]))
    explain_to_parquet(np.split(numbers, 2), explainer, tmp_path / "numbers", **SETTINGS)
    again = read_explanation(tmp_path / "numbers")
    assert_frame_equal(again, explain(numbers, explainer, **SETTINGS))

    pixels = np.random.default_rng(3).integers(0, 256, (4, 40, 50, 3), dtype=np.uint8)
    paths = [str(tmp_path / f"{number}.png") for number in range(4)]
    for path, picture in zip(paths, pixels, strict=True):
        Image.fromarray(picture).save(path)
    settings = {"n_permutations": 30, "n_superpixels": 9, "random_state": 1}

    def of_paths(paths):
        return brightness([np.array(Image.open(path)) for path in paths])

    for given, model in ((pixels, brightness), (paths, of_paths)):
        explainer = lime(given, as_classifier(model))
        folder = tmp_path / str(type(given))
        explain_to_parquet([given[:3], given[3:]], explainer, folder, **settings)
        assert_frame_equal(read_explanation(folder), explain(given, explainer, **settings))
    Image.fromarray(pixels[0]).save(paths[3])  # another picture of the same name
    with pytest.raises(ValueError, match="of other cases than this batch"):
        explain_to_parquet([paths[:3], paths[3:]], explainer, folder, **settings)


def test_batches_without_an_explanation_do_not_end_a_run(tmp_path):
    texts = [["!"], ["one good", "two good"], ["?"]]
    model = as_classifier(lambda texts: [0.1 + 0.2 * text.count("good") for text in texts])
    explainer = lime(["two good"], model)
    with pytest.warns(UserWarning, match="No case of batch . can be explained"):
        files = explain_to_parquet(texts, explainer, tmp_path, **SETTINGS)
    assert len(files) == 3
    again = read_explanation(tmp_path)
    assert again["case"].unique().tolist() == [1, 2]
    assert len(read_explanation(files[0])) == 0
    explain_to_parquet(texts, explainer, tmp_path, **SETTINGS)  # none of them is made again


def test_an_error_says_in_which_batch(tmp_path):
    def fragile(rows):
        if rows["signal"].isin(BATCHES[1]["signal"]).any():
            raise RuntimeError("no memory")
        return probability(rows)

    explainer = lime(ROWS, as_classifier(fragile), probe=False)
    with pytest.raises(RuntimeError, match="no memory") as caught:
        explain_to_parquet(BATCHES, explainer, tmp_path, **SETTINGS)
    assert caught.value.__notes__[-1] == "(in batch 1 of explain_to_parquet())"


def test_what_is_no_run_is_refused_before_anything_is_written(tmp_path):
    folder = tmp_path / "run"
    for frames, error, message in [
        (ROWS, TypeError, "must be an iterable of batches"),
        (5, TypeError, "must be an iterable of batches"),
        (["text"], TypeError, "batch 0 is a single text or path"),
        ([], ValueError, "`frames` has no batches"),
        ([ROWS[:0]], ValueError, "`x` has no rows"),
    ]:
        with pytest.raises(error, match=message):
            explain_to_parquet(frames, EXPLAINER, folder)
    with pytest.raises(TypeError, match="has no option 'n_feature'"):
        explain_to_parquet(BATCHES, EXPLAINER, folder, n_feature=1)
    with pytest.raises(ValueError, match="at least 2; not 1"):
        explain_to_parquet(BATCHES, EXPLAINER, folder, n_permutations=1)
    with pytest.raises(TypeError, match="must come from lime"):
        explain_to_parquet(BATCHES, probability, folder)
    assert not folder.exists()
    folder.write_text("")
    with pytest.raises(ValueError, match="must be a folder"):
        explain_to_parquet(BATCHES, EXPLAINER, folder)


def test_a_model_that_never_says_the_same_twice_is_taken_as_it_is(tmp_path):
    random = np.random.default_rng(1)
    explainer = lime(ROWS, as_regressor(lambda rows: random.normal(size=len(rows))))
    for _ in range(2):
        files = explain_to_parquet(BATCHES[:2], explainer, tmp_path, **SETTINGS)
    assert len(files) == 2


def test_names_that_come_again_are_told(tmp_path):
    batches = [batch.reset_index(drop=True) for batch in BATCHES]
    with pytest.warns(UserWarning, match="Several batches have cases of the same name"):
        explain_to_parquet(batches, EXPLAINER, tmp_path, **SETTINGS)


def test_without_pyarrow_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"tidylime\[parquet\]"):
        explain_to_parquet(BATCHES, EXPLAINER, tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


def test_progress_is_shown_by_batch(tmp_path, capsys):
    explain_to_parquet(BATCHES, EXPLAINER, tmp_path, **SETTINGS, progress=True)
    explain_to_parquet(BATCHES, EXPLAINER, tmp_path / "b", **SETTINGS, progress=False)
    assert "Error" not in capsys.readouterr().err
