"""Parts of a bench rig, and the board made of them. Handed pins and buses, they never wait."""
