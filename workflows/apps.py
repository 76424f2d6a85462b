from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from accounts import access, set_up_phase
        from workflows import checks, people_watch, registry, set_up  # noqa: F401 - registers the system checks
        from workflows.settings_change.request_type import SETTINGS_CHANGE_TYPE

        registry.register(SETTINGS_CHANGE_TYPE)
        set_up_phase.membership_set.connect(set_up.note_membership)
        access.access_changed.connect(set_up.note_access)
        set_up_phase.signs_of_use.append(set_up.is_in_use)
        people_watch.watch()
