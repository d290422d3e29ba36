"""Statistics on plain arrays: null distributions, intervals, fits. What the stage packages share; knows no dataset."""
