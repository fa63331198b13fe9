"""The one column that the package needs: the revision that a row was made from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rockons", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="rockon",
            name="catalog_revision",
            field=models.CharField(max_length=64, null=True),
        ),
    ]
