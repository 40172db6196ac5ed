"""Run folders: a training with its settings, record, predictions and speed."""
