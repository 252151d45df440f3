"""Orchestration: jobs, schedules, sensors, backfills and resources, all of Dagster's wiring but the assets."""
