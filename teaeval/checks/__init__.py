"""Checks of a prediction against the test set it is for.

Every problem is reported at once, each with what was expected, what was found, the remedy,
and the numbers behind it.  An error stops the scoring; a warning is kept in the score.  No
check changes the prediction.
"""
