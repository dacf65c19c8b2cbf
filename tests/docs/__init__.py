"""The pages: their links, their citations and their English."""
