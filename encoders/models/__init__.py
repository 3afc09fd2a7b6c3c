"""The networks trained here, in torch."""
