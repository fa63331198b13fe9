"""The column and the table that the package needs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rockons", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="rockon",
            name="catalog_revision",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1024, unique=True)),
                ("revision", models.CharField(max_length=64)),
                ("reason", models.TextField()),
            ],
        ),
    ]
