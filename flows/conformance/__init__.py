"""The conformance kit: messages and packages, each with the reason codes that a receiver must give."""
