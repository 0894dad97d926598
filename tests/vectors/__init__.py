"""The conformance kit as it must stay: digests, and what writes them."""
