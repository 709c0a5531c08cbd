"""Words for people. Facts travel as fields; what is said of them is put together here, last.

Knows words and numbers, nothing that they are about.
"""
