"""Make a key pair for an agent: key.json stays with it, jwks.json is registered. python docs/examples/make_key.py"""

import json
import os

from joserfc.jwk import ECKey

key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
members = {**key.as_dict(private=True), "kid": key.thumbprint()}
with open(os.open("key.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
    json.dump(members, file)
with open("jwks.json", "w") as file:
    json.dump({"keys": [{name: value for name, value in members.items() if name != "d"}]}, file)
