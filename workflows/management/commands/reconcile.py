"""`reconcile --org 51250 --as olga 0198… --dry-run`"""

from workflows.management.operating import MakeDueCommand
from workflows.states import State


class Command(MakeDueCommand):
    help = "Reconcile requests of unknown outcome now, those that have used up their tries too."
    states = (State.UNKNOWN,)
    action = "operator.reconciled"
