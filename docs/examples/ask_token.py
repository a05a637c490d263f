"""Print a header with a token of an agent itself: python docs/examples/ask_token.py CLIENT RESOURCE SCOPE"""

import json
import sys

from remit_sdk import RemitAuth

with open(sys.argv[1]) as file:
    client = json.load(file)

auth = RemitAuth(
    "http://127.0.0.1:8700",
    client_id=client["client_id"],
    client_secret=client["client_secret"],
    grant_type="client_credentials",
    resource=sys.argv[2],
    scopes=sys.argv[3],
    # A header in a file makes no proofs, so this token works for whoever holds it.
    dpop=False,
)
print("Authorization: Bearer", auth.token())
