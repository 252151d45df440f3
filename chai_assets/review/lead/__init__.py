"""What leads do: recall, overrule, decide what waits for nobody else; and what they are shown of an item."""
