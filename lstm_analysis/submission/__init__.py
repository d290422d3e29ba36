"""A study that runs detached: how it is started, how far it is, its log, and how it is stopped.

All of it is in the run's folder, so it can be asked from any machine that sees the storage.
"""
