"""The page with a classifier of sentences by library: `python -m pylime.app`."""

from pylime.app.page import main

if __name__ == "__main__":
    main()
