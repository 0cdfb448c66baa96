"""`python -m munshi` is the same as `munshi`."""

from munshi.cli.app import main

if __name__ == "__main__":
    main()
