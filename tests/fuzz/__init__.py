"""Files that somebody broke on purpose, read by everything that reads files.

`python -m tests.fuzz --seconds 120 --jobs 2` tries for two minutes, with another seed each time
unless it is told one; what was wrong is kept as a file that `--again` tries once more. `--table
FILE` keeps what came of a longer campaign, as it grows. Read in this order: `targets/target.py`,
`mutations.py`, `campaign.py`, `pool.py`.
"""
