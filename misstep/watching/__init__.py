"""Other people's training loops, watched: what they do, as the record of a run.

`watch` stands around a loop in PyTorch, `keras_watch` makes a callback for Keras 3. Neither is
needed to import this, and neither is a dependency: whoever has such a loop has it. Begin with
`torch_loop.py`; what is written, and when, says `ledger.py`.
"""

from misstep.watching.front import keras_watch, watch

__all__ = ["keras_watch", "watch"]
