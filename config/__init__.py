"""The top of the house: settings, URLs, the Celery application and what starts it all.

Empty on purpose: `config.embedded` runs before there are settings. `config.apps` makes the Celery application known.
"""
