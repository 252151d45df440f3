"""Files as they arrive: what lies in a folder, how far it is to be trusted, and the processes that read it."""
