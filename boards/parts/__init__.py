"""Parts of a board, and the board made of them. They get pins and buses, and never wait."""
