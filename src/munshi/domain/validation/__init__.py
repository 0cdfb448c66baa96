"""Model validation: what a sample is, what is learnt from, and when a result means anything."""
