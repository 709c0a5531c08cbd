"""Files and what is in them: bytes, text, delimited fields, idx and npz, examples by name."""
