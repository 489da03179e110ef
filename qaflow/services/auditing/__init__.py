"""History proven and shown: verification, checkpoints, packs, samples, freezes."""
