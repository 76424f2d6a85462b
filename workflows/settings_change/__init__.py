"""Four eyes on settings: a change is a request like any other, proposed and approved by administrators, and carried
out here instead of by Intouch (docs/adr/0014).

The pages of an organisation that is set up call these functions where they would otherwise save.
"""

from workflows.settings_change.proposing import (
    propose_credential,
    propose_membership,
    propose_policy,
    propose_target,
)

__all__ = ["propose_credential", "propose_membership", "propose_policy", "propose_target"]
