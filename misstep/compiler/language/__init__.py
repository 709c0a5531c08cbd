"""The language that kernels are written in: LLVM's text, and how one entry is computed.

Read in this order: `llvm_types.py`, `code.py` (arithmetic, memory, loops), `vector_math/`,
`element_code.py` (what an op's `lower` sees), `views.py` (where entries lie), `elements.py` (one
entry of any value). Knows the contract of ops; knows no kernel and no processor.
"""
