"""The last stage: LLVM's text becomes machine code, and threads run it many steps at a time.

Begin with `program.py`, what people call; then `native.py` (text to code, with `llvm.py` and
`object_cache.py`), `targets.py` (which processors), `workspace.py` (memory), `thread_pool.py`,
`thread_count_tuning.py`, `role_checks.py`.
"""
