"""Images: decoding, class folders, and how pixels become numbers."""
