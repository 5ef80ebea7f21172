"""What ships with the package, under the name by which it is imported."""

from pylime.data.bundled import (
    imagenet_labels,
    load_biopsy,
    load_image_example,
    load_text_example,
)

__all__ = ["imagenet_labels", "load_biopsy", "load_image_example", "load_text_example"]
