"""What `remit.store.schema` is made of, part by part. Importing a part declares its tables."""
