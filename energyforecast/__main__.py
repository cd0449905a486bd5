"""``python -m energyforecast`` is the command line."""

from energyforecast.cli import main

if __name__ == "__main__":
    main()
