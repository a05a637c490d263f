"""An agent on its user's computer: python docs/examples/desktop_agent.py desktop.json"""

import json
import sys

import httpx2

from remit_sdk import ConsentRequired, FileStore, RemitAuth

with open(sys.argv[1]) as file:
    client_id = json.load(file)["client_id"]

auth = RemitAuth(
    "http://127.0.0.1:8700",
    client_id=client_id,
    resource="http://127.0.0.1:9100",
    scopes="read:calendar",
    store=FileStore("tokens.json"),
    purpose="plan the week",
)

with httpx2.Client(base_url="http://127.0.0.1:9100", auth=auth) as calendar:
    try:
        answer = calendar.get("/events")
    except ConsentRequired as consent:
        print("Open this address in your browser:")
        consent.wait(show=print)
        answer = calendar.get("/events")
    print("In your calendar:", ", ".join(answer.json()["events"].values()))
