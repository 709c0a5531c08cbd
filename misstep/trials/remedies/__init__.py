"""Remedies, a file each: what can be changed in a run that something is wrong with."""
