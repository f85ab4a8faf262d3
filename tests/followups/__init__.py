"""What goes out by itself: acknowledgements, notices, sequences, and what cancels them."""
