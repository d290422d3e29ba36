"""The one-page summary: each question of the study with its answer, how sure it is, and what is lost without it."""
