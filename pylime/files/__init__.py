"""
Explanations and long runs on disk.

The rule of this room: a file contains only data, appears only when it is complete, and is read
back equal. Nothing is ever unpickled.
"""
