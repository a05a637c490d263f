"""The OAuth 2.1 and OpenID Connect endpoints of a tenant, one file each."""
