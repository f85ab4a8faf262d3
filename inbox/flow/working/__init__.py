"""What people do to threads and accounts, and taking it back."""
