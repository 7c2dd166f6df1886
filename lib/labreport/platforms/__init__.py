"""Colab and Kaggle: copies on Google Drive, the Kaggle client."""
