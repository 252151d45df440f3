"""What the platform knows and does: one folder per stage of the loop, and the definitions that join them."""
