"""What the runs of a study say beside each other."""
