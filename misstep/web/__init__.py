"""Pages that live: one server for all of them, and the page that watches runs.

The only room that opens sockets. What guards a page stands in `guard.py`, who may reach it in
`access.py`, how it is served in `serving.py`; a page of its own is a folder. Nothing but
`extra.py` may be imported without the extra `web`.
"""
