"""Recorded sequences: arrays, long tables, and how steps become rows."""
