"""Example data and a model of them, under the name by which they are imported."""

from pylime.data.docstrings import docstring_classifier, docstring_sentences

__all__ = ["docstring_classifier", "docstring_sentences"]
