"""The page that watches runs: of this process or any other, going, over or broken off.

Begin with `watcher.py`, which follows records in a thread; `application.py` answers with what it
has. Everything drawn is thinned here, so that a page stays small however long a run is.
"""
