"""Planning: the log of where every item stands, and what a new version of the specification or a new prompt changes."""
