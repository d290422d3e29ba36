"""Models: checkpoints, the LSTM that shows its states, extraction and training. Only this package loads torch."""
