"""The tables as they are before the package is used."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RockOn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1024, unique=True)),
                ("description", models.TextField()),
                ("version", models.CharField(max_length=2048)),
                ("website", models.CharField(max_length=2048, null=True)),
                ("icon", models.CharField(max_length=2048, null=True)),
                ("more_info", models.TextField(null=True)),
                ("ui", models.JSONField(null=True)),
                ("volume_add_support", models.BooleanField(default=False)),
                ("state", models.CharField(default="available", max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Image",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1024)),
                ("tag", models.CharField(max_length=1024)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("name", "tag"), name="one_image")],
            },
        ),
        migrations.CreateModel(
            name="Container",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1024, unique=True)),
                ("launch_order", models.IntegerField(default=1)),
                ("uid", models.IntegerField(null=True)),
                ("options", models.JSONField(null=True)),
                (
                    "image",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="rockons.image"
                    ),
                ),
                (
                    "rockon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="rockons.rockon"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Environment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=1024)),
                ("label", models.CharField(max_length=1024)),
                ("description", models.CharField(max_length=2048)),
                ("index", models.IntegerField(default=1)),
                ("value", models.CharField(max_length=1024, null=True)),
                (
                    "container",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="rockons.container"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("container", "key"), name="one_variable")
                ],
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                (
                    "destination",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="rockons.container",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="linked_from",
                        to="rockons.container",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("destination", "name"), name="one_link")
                ],
            },
        ),
        migrations.CreateModel(
            name="Port",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("container_port", models.IntegerField()),
                ("host_default", models.IntegerField()),
                ("host_port", models.IntegerField(unique=True)),
                ("protocol", models.CharField(max_length=32, null=True)),
                ("label", models.CharField(max_length=1024)),
                ("description", models.CharField(max_length=2048)),
                ("is_ui", models.BooleanField(default=False)),
                (
                    "container",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="rockons.container"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("container", "container_port"), name="one_port")
                ],
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1024, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Volume",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=1024)),
                ("label", models.CharField(max_length=1024)),
                ("description", models.CharField(max_length=2048)),
                ("min_size", models.CharField(max_length=64, null=True)),
                (
                    "share",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="rockons.share",
                    ),
                ),
                (
                    "container",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="rockons.container"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("container", "path"), name="one_volume")
                ],
            },
        ),
    ]
