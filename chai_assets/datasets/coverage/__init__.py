"""How many clips have each primitive in train and eval, against targets, and what to label next."""
