"""Predictions: read from files, written to files, made by a calculator."""
