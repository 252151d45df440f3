"""Ingestion: videos of an inbox folder become clips of one shot each, with their rows and media."""
