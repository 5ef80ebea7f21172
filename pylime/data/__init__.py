"""
Labels, tables and example explanations.

The rule of this room: all data come from the installed packages, none from a network.
"""
