"""The contents of the database, as comparable values."""

from __future__ import annotations

from typing import Any

from rockons.models import Container, Environment, Image, Link, Port, RockOn, Volume


def snapshot() -> dict[str, list[Any]]:
    """Returns every row without its number, in a fixed order."""
    rows = {
        "rockons": RockOn.objects.values_list(
            "name", "description", "version", "website", "icon", "more_info", "ui",
            "volume_add_support", "state", "catalog_revision",
        ),
        "containers": Container.objects.values_list(
            "name", "rockon__name", "image__name", "image__tag", "launch_order", "uid", "options"
        ),
        "images": Image.objects.values_list("name", "tag"),
        "ports": Port.objects.values_list(
            "container__name", "container_port", "host_default", "host_port", "protocol",
            "label", "description", "is_ui",
        ),
        "volumes": Volume.objects.values_list(
            "container__name", "path", "label", "description", "min_size", "share"
        ),
        "environment": Environment.objects.values_list(
            "container__name", "key", "label", "description", "index", "value"
        ),
        "links": Link.objects.values_list("destination__name", "source__name", "name"),
    }  # fmt: skip
    return {name: sorted(found, key=repr) for name, found in rows.items()}


def row_versions() -> dict[str, set[Any]]:
    """Returns every row with the transaction that wrote it, which differs if and only if it was
    written again."""
    from django.db import connection

    models = (RockOn, Container, Image, Port, Volume, Environment, Link)
    found = {}
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"SELECT id, xmin::text FROM {model._meta.db_table}")
            found[model.__name__] = set(cursor.fetchall())
    return found
