"""`python -m remit.cli`: the command line without the script that installing makes."""

from remit.cli import main

main()
