"""The experiments, one file each, found by being here."""
