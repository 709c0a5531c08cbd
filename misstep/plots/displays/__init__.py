"""The displays, a file each; `display.py` above this folder has their contract."""
