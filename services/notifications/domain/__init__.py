"""What customers are told, in which language, and what is remembered of it. No I/O."""
