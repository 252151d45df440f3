"""One module per engine, and what several of them share: frames, edits, log-probabilities, fleets of servers."""
