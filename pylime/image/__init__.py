"""
Images: superpixels kept and removed.

The rule of this room: superpixels are R's, pixel for pixel, and `preprocess` receives images in
the form in which the user passed the original.
"""

from pylime.image.explainer import ImageExplainer

__all__ = ["ImageExplainer"]
