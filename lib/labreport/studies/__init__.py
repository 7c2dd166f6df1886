"""What is asked of several runs: assignments, sweeps, the index."""
