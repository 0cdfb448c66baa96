"""The audit ledger's shape: Merkle trees, blocks in a chain, checkpoints and proofs."""
