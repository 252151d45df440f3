"""The integrity audit of an imported corpus: what is counted, the report as JSON, and the page to read it on."""
