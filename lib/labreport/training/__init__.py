"""What decides the numbers of a training. A change here trains again."""
