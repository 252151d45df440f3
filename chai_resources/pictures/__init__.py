"""What the numbers of a decoded frame mean as a picture."""
