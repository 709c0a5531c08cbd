"""Files that somebody broke on purpose, read by everything that reads files.

`python -m tests.fuzz --seconds 120` tries for two minutes, with another seed each time it is told
to; what was wrong is kept as a file that `--again` tries once more.
"""
