"""Results in the formats that other programs read; docs/formats.md states axes, units and names of each."""
