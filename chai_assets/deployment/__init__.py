"""Deployment: starting the platform on one machine, setting Label Studio up, and running jobs from a command."""
