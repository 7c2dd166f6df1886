"""Files that people write, read and checked: experiments, authors. No Keras, no pandas."""
