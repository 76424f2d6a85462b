"""The wire: what every API of the house shares and no domain word appears in.

Strict JSON in, the gateway's error envelope out, the correlation id through, and secrets kept out of both.
The lowest layer: it imports nothing of the project.
"""
