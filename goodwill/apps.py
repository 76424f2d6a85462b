from django.apps import AppConfig


class GoodwillConfig(AppConfig):
    name = "goodwill"
    verbose_name = "Goodwill"

    def ready(self) -> None:
        from goodwill.request_type import GOODWILL_POINTS
        from workflows import registry

        registry.register(GOODWILL_POINTS)
