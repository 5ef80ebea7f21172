"""
Explanations and long runs on disk.

The rule of this room: a file holds data only, appears when it is complete, and is read back
equal. Nothing is ever unpickled.
"""
