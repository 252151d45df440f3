"""From frames as they are decoded to frames as clips are stored."""
