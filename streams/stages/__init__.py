"""The stages: each turns a batch of messages into messages, whoever carries them."""
