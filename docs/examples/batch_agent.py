"""An agent that nobody watches, with a key of its own: python docs/examples/batch_agent.py batch.json key.json"""

import json
import sys

import httpx2

from remit_sdk import RemitAuth

with open(sys.argv[1]) as file:
    client_id = json.load(file)["client_id"]
with open(sys.argv[2]) as file:
    private_key = json.load(file)

auth = RemitAuth(
    "http://127.0.0.1:8700",
    client_id=client_id,
    private_key=private_key,
    grant_type="client_credentials",
    resource="http://127.0.0.1:9100",
    scopes="read:calendar",
)
with httpx2.Client(base_url="http://127.0.0.1:9100", auth=auth) as calendar:
    print(calendar.get("/events").json())
