"""Cards, terminal and the office: between meter and terminal, money is neither lost nor made."""
