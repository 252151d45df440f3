"""What runs on this machine for one deployment: processes, Label Studio among them, and the secrets they share."""
