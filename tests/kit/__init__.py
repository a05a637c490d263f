"""A seeded instance and the dances of OAuth, for every test that needs a server without a socket."""
