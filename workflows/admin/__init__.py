"""The desk of makers, checkers and auditors, and the set-up of targets and policies.

Django looks for an app's pages here; each module registers its own.
"""

from workflows.admin import audit, bulk, memberships, operations, policies, requests, targets, tasks

__all__ = ["audit", "bulk", "memberships", "operations", "policies", "requests", "targets", "tasks"]
