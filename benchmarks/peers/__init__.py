"""The other libraries as entrants, each as its own people would run it fast."""
