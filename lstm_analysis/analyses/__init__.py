"""What goes beyond a score of a neuron for a concept: pure functions of summaries, tables and the rows they ask for."""
