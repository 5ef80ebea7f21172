"""Superpixels under the name by which they are imported; they are made in `pylime.image`."""

from pylime.image.superpixels import bounding_box, lab_bytes, pixels_of, segment, slic

__all__ = ["bounding_box", "lab_bytes", "pixels_of", "segment", "slic"]
