"""A run folder: its state and lock, what lies in it, and what it was made from."""
