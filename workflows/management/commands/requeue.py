"""`requeue --org 51250 --as olga --dry-run`"""

from workflows.management.operating import MakeDueCommand
from workflows.states import State


class Command(MakeDueCommand):
    help = "Make approved requests that wait for their next try due now."
    states = (State.EXECUTING,)
    action = "operator.requeued"
