"""What several models share: neighbours, compositions, training loops, model files, devices."""
