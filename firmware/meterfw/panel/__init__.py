"""What a customer sees: the pages of the display."""
