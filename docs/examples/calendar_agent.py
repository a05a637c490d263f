"""An agent that asks for access and works until it is stopped: python docs/examples/calendar_agent.py agent.json"""

import json
import sys
import time

import httpx2

from remit_sdk import AgentStopped, ConsentRequired, OutOfScope, RemitAuth

with open(sys.argv[1]) as file:
    client_id = json.load(file)["client_id"]

auth = RemitAuth(
    "http://127.0.0.1:8700",
    client_id=client_id,
    resource="http://127.0.0.1:9100",
    scopes="read:calendar delete:calendar",
)

with httpx2.Client(base_url="http://127.0.0.1:9100", auth=auth) as calendar:
    try:
        calendar.get("/events")
    except ConsentRequired as consent:
        print("Open this address in your browser:")
        consent.wait(show=print)

    try:
        calendar.delete("/events/1")
    except OutOfScope as refused:
        print("DELETE /events/1: refused,", refused)

    try:
        while True:
            answer = calendar.get("/events").raise_for_status()
            print("GET /events:", ", ".join(answer.json()["events"].values()))
            time.sleep(1)
    except (AgentStopped, ConsentRequired) as stopped:
        print("GET /events: refused,", stopped)
