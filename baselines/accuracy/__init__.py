"""What the baselines reach, recorded, and whether they still do."""
