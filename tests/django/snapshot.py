"""The contents of the database, as comparable values."""

from __future__ import annotations

from typing import Any

from appliance import models as appliance
from rockons.models import Container, Environment, Image, Link, Port, RockOn, Share, Volume

MODELS = (RockOn, Container, Image, Port, Volume, Environment, Link, Share)

CHOSEN = {
    "rockons": ("state", "catalog_revision"),
    "ports": ("host_port",),
    "volumes": ("share__name",),
    "environment": ("value",),
}
"""The fields that are not published, by table."""

PUBLISHED = {
    "rockons": (RockOn, ("name", "description", "version", "website", "icon", "more_info", "ui",
                         "volume_add_support")),
    "containers": (Container, ("name", "rockon__name", "image__name", "image__tag", "launch_order",
                               "uid", "options")),
    "images": (Image, ("name", "tag")),
    "ports": (Port, ("container__name", "container_port", "host_default", "protocol", "label",
                     "description", "is_ui")),
    "volumes": (Volume, ("container__name", "path", "label", "description", "min_size")),
    "environment": (Environment, ("container__name", "key", "label", "description", "index")),
    "links": (Link, ("destination__name", "source__name", "name")),
}  # fmt: skip

APPLIANCE = {
    appliance.RockOn: ("name", "description", "version", "state", "website", "more_info", "ui",
                       "https", "volume_add_support"),
    appliance.DContainer: ("name", "rockon__name", "dimage__name", "dimage__tag", "launch_order",
                           "uid"),
    appliance.DContainerLink: ("source__name", "destination__name", "name"),
    appliance.DPort: ("container__name", "containerp", "hostp", "hostp_default", "protocol",
                      "uiport", "description", "label"),
    appliance.DVolume: ("container__name", "dest_dir", "share__name", "description", "min_size",
                        "label"),
    appliance.DContainerEnv: ("container__name", "key", "val", "description", "label"),
    appliance.DContainerDevice: ("container__name", "dev", "val", "description", "label"),
    appliance.ContainerOption: ("container__name", "name", "val"),
    appliance.DCustomConfig: ("rockon__name", "key", "val", "description", "label"),
}  # fmt: skip


def snapshot() -> dict[str, list[Any]]:
    """Returns every row without its number, in a fixed order."""
    return {
        name: sorted(model._default_manager.values_list(*fields, *CHOSEN.get(name, ())), key=repr)
        for name, (model, fields) in PUBLISHED.items()
    }


def published() -> dict[str, list[Any]]:
    """Returns what the catalog decides: every row without what the owner chose."""
    return {
        name: sorted(model._default_manager.values_list(*fields), key=repr)
        for name, (model, fields) in PUBLISHED.items()
    }


def appliance_snapshot() -> dict[str, list[Any]]:
    """Returns every row of the appliance without its number and revision, in a fixed order."""
    return {
        model.__name__: sorted(model._default_manager.values_list(*fields), key=repr)
        for model, fields in APPLIANCE.items()
    }


DIGESTS = """
    SELECT rockon.id, md5(concat(rockon::text, {parts})) FROM rockons_rockon rockon
"""

PART = """(
    SELECT string_agg(part::text, ' ' ORDER BY part.id) FROM rockons_{table} part
    JOIN rockons_container container ON container.id = part.{owner}
    WHERE container.rockon_id = rockon.id
)"""

IMAGES = """(
    SELECT string_agg(concat(container::text, image::text), ' ' ORDER BY container.id)
    FROM rockons_container container JOIN rockons_image image ON image.id = container.image_id
    WHERE container.rockon_id = rockon.id
)"""


def digests() -> dict[int, str]:
    """Returns a digest of each rock-on's rows, their numbers included, by its number."""
    from django.db import connection

    owners = {"port": "container_id", "volume": "container_id", "environment": "container_id"}
    owners["link"] = "destination_id"
    parts = [PART.format(table=table, owner=owner) for table, owner in owners.items()]
    with connection.cursor() as cursor:
        cursor.execute(DIGESTS.format(parts=", ".join([*parts, IMAGES])))
        return dict(cursor.fetchall())


def row_versions() -> dict[str, set[Any]]:
    """Returns every row with the transaction that wrote it, which differs if and only if it was
    written again."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute(f"SELECT id, xmin::text FROM {model._meta.db_table}")
            found[model.__name__] = set(cursor.fetchall())
    return found
