"""Java sources."""
