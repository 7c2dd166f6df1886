"""Runs on Kaggle: sent from here, done there."""
