"""
What the package ships: labels, tables and examples.

The rule of this room: everything is read from the installed package, and nothing from a network.
"""
