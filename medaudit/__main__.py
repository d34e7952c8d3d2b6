"""`python -m medaudit`."""

from medaudit.cli import main

main()
