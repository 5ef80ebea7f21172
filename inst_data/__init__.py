"""The data of the package, installed as `pylime.inst_data`; `make_data.py` makes them."""
