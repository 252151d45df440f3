"""The annotators' handbook, made from the specification."""
