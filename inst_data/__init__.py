"""The data of the package, installed as `pylime.inst_data`; `LICENSES.txt` has their sources."""
