"""What makes a result the same result: canonical JSON, fingerprints, code closures, the store and its receipts."""
