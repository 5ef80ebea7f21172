"""
Images: superpixels kept and removed.

The rule of this room: superpixels are R's, pixel for pixel, and the model sees what the
user's own code would show it.
"""

from pylime.image.explainer import ImageExplainer

__all__ = ["ImageExplainer"]
