"""The wire: bytes to values and values to bytes. No state, no decisions about what to do next."""
