"""Published datasets by name: which of their files is read, in which form, and where its captions or critiques are."""
