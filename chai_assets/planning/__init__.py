"""Planning: where every item stands, what a new release of the specification changes, and moving just those rows."""
