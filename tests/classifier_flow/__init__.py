"""Tests of what is around the classifier: models in the database, filing, labels, commands."""
