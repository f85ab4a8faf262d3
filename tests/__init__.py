"""The tests. How to run them and how to add one: README.md in this folder."""
