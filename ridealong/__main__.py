"""``python -m ridealong``: the same program as the command ``ridealong``."""

from ridealong.cli import main

if __name__ == "__main__":
    main()
