"""Draws the images of the sample data sets."""
