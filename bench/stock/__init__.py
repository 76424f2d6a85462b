"""The same service as a Django developer writes it on day one: nested serializers, the ORM, a Celery task.

It keeps the same rows in the same transactions, checks the maker against the checker under a lock, and keeps its
connections to the database open (`CONN_MAX_AGE`). It has neither policy nor encryption, no lease, and no second thought
about an answer that did not come.
"""
