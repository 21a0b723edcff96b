"""The gate: a command that runs when other people have agreed to exactly this, and otherwise not at all."""
