"""One Avro schema per topic, a public contract."""
