"""Structure of molecules and crystals: neighbours, bonds, residues, fingerprints."""
