"""The use cases that decide events, and the views of recorded decisions."""
