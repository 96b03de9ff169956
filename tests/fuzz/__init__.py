"""The contracts under requests that nobody thought of: `make fuzz`."""
