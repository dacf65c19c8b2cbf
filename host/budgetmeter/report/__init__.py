"""What a person reads and sees: figures, tables, plots, and the files they go to."""
