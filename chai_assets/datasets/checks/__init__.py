"""What must hold of the triples before they are exported, as Great Expectations judges it, and its Data Docs."""
