"""Disks that fail: full, read-only, broken, or without power. `python -m tests.disks` tries all."""
