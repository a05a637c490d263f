"""Cryptography at the edge: signing keys, JOSE, sealing and digests."""
