"""One pass over a video: which stream it is, its pictures one by one, when each is shown, and whether all are there."""
