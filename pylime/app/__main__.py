"""Show the page with a model of which library a sentence comes from: `python -m pylime.app`."""

from pylime.app.page import main

if __name__ == "__main__":
    main()
