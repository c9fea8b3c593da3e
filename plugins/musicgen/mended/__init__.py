"""audiocraft 1.3.0, corrected: `faults` names what is wrong with it, `upstream.mend` mends it."""
