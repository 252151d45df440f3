"""Ingestion: a folder of videos becomes clips, one shot each, in the media store."""
