"""Data that ships inside the package, as `pylime.inst_data`; `make_data.py` makes it."""
