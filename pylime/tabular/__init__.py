"""
Tables: each column is drawn anew from its distribution in the training data.

The rule of this room: what depends on the kind of a column is a method of its class, which is
chosen once, when the column is fitted.
"""

from pylime.tabular.explainer import TableExplainer, describe_feature, numerify

__all__ = ["TableExplainer", "describe_feature", "numerify"]
