"""Writes, renames and deletes one rock-on. The caller provides the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import models
from rockon_sync import Definition, InUseError

from .models import Container, Environment, Image, Link, Port, RockOn, Volume

MAX_PORT = 65_535

# The options of a container that are passed to Docker unchanged.
OPTIONS = ("opts", "devices", "cmd_arguments")

Row = TypeVar("Row", bound=models.Model)


def write_rockon(definition: Definition) -> None:
    """Writes the published values and the revision, and keeps the owner's choices.

    Raises InUseError if it is installed with other containers, and ValueError or any other
    exception if the definition does not fit.
    """
    published = definition.load()
    rockon = _write_row(definition.name, published)
    containers = _write_containers(rockon, published["containers"])
    _write_parts(containers, published)
    RockOn.objects.filter(pk=rockon.pk).update(catalog_revision=definition.revision)


def rename_rockon(old: str, new: str) -> None:
    """Gives a rock-on its new name. Containers, choices and revision stay."""
    if RockOn.objects.filter(name=old).update(name=new) != 1:
        raise RockOn.DoesNotExist(f"no rock-on named {old!r}")


def delete_rockon(name: str) -> None:
    """Deletes a rock-on that is no longer published. Raises InUseError if it is installed."""
    rockon = RockOn.objects.select_for_update().get(name=name)
    if rockon.state != RockOn.AVAILABLE:
        raise InUseError("no longer published, but installed")
    images = set(rockon.container_set.values_list("image", flat=True))
    rockon.delete()
    _delete_unused(images)


def _write_row(name: str, published: Mapping[str, Any]) -> RockOn:
    wanted = {
        "description": published["description"],
        "version": published["version"],
        "website": published.get("website"),
        "icon": published.get("icon"),
        "more_info": published.get("more_info"),
        "ui": published.get("ui"),
        "volume_add_support": published.get("volume_add_support", False),
    }
    rockon = RockOn.objects.select_for_update().filter(name=name).first()
    return _write(rockon, RockOn, {"name": name}, wanted)


def _write_containers(rockon: RockOn, published: Mapping[str, Any]) -> dict[str, Container]:
    rows = rockon.container_set.select_related("image")
    existing = {container.name: container for container in rows}
    if rockon.state != RockOn.AVAILABLE and existing.keys() != published.keys():
        raise InUseError(
            f"installed with the containers {sorted(existing)}, but published with "
            f"{sorted(published)}: uninstall it first"
        )
    if new := published.keys() - existing.keys():
        taken = Container.objects.filter(name__in=new)
        for name, owner in taken.values_list("name", "rockon__name"):
            raise ValueError(f"the container {name!r} belongs to {owner!r}")
    images = {container.image_id for container in existing.values()}
    gone = [container.pk for name, container in existing.items() if name not in published]
    if gone:
        Container.objects.filter(pk__in=gone).delete()
    containers = {}
    for name, spec in published.items():
        container = existing.get(name)
        wanted = {
            "image_id": _image(container, spec["image"], spec.get("tag", "latest")),
            "launch_order": int(spec["launch_order"]),
            "uid": spec.get("uid"),
            "options": {key: spec[key] for key in OPTIONS if key in spec},
        }
        containers[name] = _write(container, Container, {"rockon": rockon, "name": name}, wanted)
    _delete_unused(images - {container.image_id for container in containers.values()})
    return containers


def _image(container: Container | None, name: str, tag: str) -> int:
    if container and (container.image.name, container.image.tag) == (name, tag):
        return container.image_id
    return Image.objects.get_or_create(name=name, tag=tag)[0].pk


def _delete_unused(images: set[int]) -> None:
    """Deletes images that are no longer used by any container.

    An image that another rock-on shares must stay: deleting it would delete the containers of that
    rock-on.
    """
    if images:
        Image.objects.filter(pk__in=images, container=None).delete()


def _write_parts(containers: Mapping[str, Container], published: Mapping[str, Any]) -> None:
    specs = {containers[name]: spec for name, spec in published["containers"].items()}
    ports = {
        container: {
            int(key): {
                "host_default": int(port["host_default"]),
                "protocol": port.get("protocol"),
                "label": port["label"],
                "description": port["description"],
                "is_ui": port.get("ui", False),
            }
            for key, port in spec.get("ports", {}).items()
        }
        for container, spec in specs.items()
    }
    volumes = {
        container: {
            path: {
                "label": volume["label"],
                "description": volume["description"],
                "min_size": str(volume["min_size"]) if "min_size" in volume else None,
            }
            for path, volume in spec.get("volumes", {}).items()
        }
        for container, spec in specs.items()
    }
    environment = {
        container: {
            key: {
                "label": variable["label"],
                "description": variable["description"],
                "index": int(variable.get("index", 1)),
            }
            for key, variable in spec.get("environment", {}).items()
        }
        for container, spec in specs.items()
    }
    links: dict[Container, dict[Any, dict[str, Any]]] = {container: {} for container in specs}
    for destination, sources in (published.get("container_links") or {}).items():
        for link in sources:
            source = containers[link["source_container"]]
            links[containers[destination]][link["name"]] = {"source_id": source.pk}
    _write_all(Port, "container", "container_port", ports)
    _write_all(Volume, "container", "path", volumes)
    _write_all(Environment, "container", "key", environment)
    _write_all(Link, "destination", "name", links)


def _write_all(
    model: type[models.Model],
    owner: str,
    key: str,
    wanted: Mapping[Container, Mapping[Any, dict[str, Any]]],
) -> None:
    """Makes the rows of the containers equal to `wanted`. Writes only rows that differ."""
    rows = model._default_manager.filter(**{f"{owner}__in": list(wanted)})
    existing = {(getattr(row, f"{owner}_id"), getattr(row, key)): row for row in rows}
    for container, parts in wanted.items():
        for value, fields in parts.items():
            row = existing.pop((container.pk, value), None)
            if row is None and model is Port:
                # In the order of the text: if two rock-ons request the same port, the first gets
                # it. A port that exists keeps its number, which the owner may use elsewhere.
                fields = fields | {"host_port": _next_free_port(fields["host_default"])}
            _write(row, model, {owner: container, key: value}, fields)
    if existing:
        model._default_manager.filter(pk__in=[row.pk for row in existing.values()]).delete()


def _write(
    row: Row | None, model: type[Row], identity: dict[str, Any], wanted: dict[str, Any]
) -> Row:
    """Creates the row, or updates the fields that differ."""
    if row is None:
        return model._default_manager.create(**identity, **wanted)
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if changed:
        for name in changed:
            setattr(row, name, wanted[name])
        row.save(update_fields=changed)
    return row


def _next_free_port(wanted: int) -> int:
    others = Port.objects.filter(host_port__gte=wanted)
    taken = set(others.values_list("host_port", flat=True))
    for port in range(wanted, MAX_PORT + 1):
        if port not in taken:
            return port
    raise ValueError(f"no free port from {wanted} up")
