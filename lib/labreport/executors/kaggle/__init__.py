"""Runs experiments on Kaggle and fetches what they made."""
