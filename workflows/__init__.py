"""The engine: requests that one person makes and another decides, and the journey of those that were approved.

It knows no request type; an app registers its own (`workflows.registry`).
"""
