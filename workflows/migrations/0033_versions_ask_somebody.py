"""No new version asks for people without saying for whom; the ones of before are judged, and refuse."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


def _asks_nobody(place: str) -> models.Q:
    return models.Q(
        models.Func(
            "document",
            models.Value(f'{place} ? (@.kind == "levels" && !exists(@.levels[0]))'),
            function="jsonb_path_exists",
            output_field=models.BooleanField(),
        )
    )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0032_desk_again")]

    operations = [
        AddConstraintNotValid(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=~_asks_nobody("$.default") & ~_asks_nobody("$.rules[*].then"),
                name="policy_version_asks_somebody",
            ),
        ),
    ]
