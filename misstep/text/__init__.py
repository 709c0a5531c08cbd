"""Words for people. Facts travel as fields; what is said of them is put together here, last.

Knows words and numbers, nothing that they are about. Nouns with their count are in `counts`,
numbers in `figures` and `units`, several of them in `lists` and `tables`, names that people write
in `names`, what comes from data in `plain`, why a training ended in `endings`.
"""
