"""Resources and scopes: what each allows and who holds it."""
