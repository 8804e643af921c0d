"""The law: what each machine does with each input. Pure functions over values; no bytes, no clock, no I/O."""
