"""Campaigns: many trainings and their scores from one file, killed and taken up at will."""
