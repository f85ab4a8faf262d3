"""What the classifiers package promises."""
