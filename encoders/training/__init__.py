"""How the networks are trained: material, distortions, loss, loop and record. Needs torch."""
