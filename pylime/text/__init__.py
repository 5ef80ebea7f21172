"""
Texts: words kept and dropped.

The rule of this room: a word has a place. What is found, dropped, reported and highlighted
is always the same piece of the text that was given.
"""

from pylime.text.explainer import TextExplainer

__all__ = ["TextExplainer"]
