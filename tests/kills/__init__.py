"""Processes killed at any moment and begun again: nothing whole is lost, the bits are the same.

`python -m tests.kills --count 1000` kills so often; the suite does a hundred or so.
"""
