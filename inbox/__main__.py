"""`python -m inbox` is `aboard`."""

from inbox.cli.main import main

if __name__ == "__main__":
    main()
