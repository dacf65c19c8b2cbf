"""Putting the meter on a board of hardware: `flash` tells the story, the others do its parts."""
