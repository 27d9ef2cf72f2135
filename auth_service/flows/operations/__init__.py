"""What the people who run the service ask of it: is it up, is it ready, what has it done."""
