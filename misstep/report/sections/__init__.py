"""The sections of the report, a file each; `section.py` beside this folder has their contract."""
