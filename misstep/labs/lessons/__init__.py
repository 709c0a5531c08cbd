"""The labs, one file each, found by being here."""
