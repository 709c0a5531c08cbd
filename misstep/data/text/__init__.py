"""Texts: files of them, tokens, vocabularies, word vectors, and how texts become numbers."""
