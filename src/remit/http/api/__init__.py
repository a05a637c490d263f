"""The REST API, version 1: what the console can do, a program can do with an access token for `{issuer}/api`."""
