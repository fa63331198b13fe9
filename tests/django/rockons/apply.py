"""Writes one definition with its rows and its revision, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import DataError, models, transaction
from rockon_sync import Definition

from .models import Container, Environment, Image, Link, Port, RockOn, Volume

MAX_PORT = 65_535

# The options of a container that are passed to Docker unchanged.
OPTIONS = ("opts", "devices", "cmd_arguments")

Row = TypeVar("Row", bound=models.Model)


class Refused(Exception):
    """The definition cannot be written now. The message has the reason."""


def apply_definition(definition: Definition) -> None:
    """Writes the published values, and keeps the owner's choices.

    Raises Refused if it has written nothing.
    """
    published = definition.load()
    try:
        with transaction.atomic():
            rockon = _write_rockon(definition.name, published)
            containers = _write_containers(rockon, published["containers"])
            _write_links(containers, published.get("container_links", {}))
            RockOn.objects.filter(pk=rockon.pk).update(catalog_revision=definition.revision)
    except (AttributeError, DataError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"malformed: {type(error).__name__} {error}") from error


def delete_rockon(name: str) -> None:
    """Deletes a rock-on that is no longer published. Raises Refused if it is installed."""
    with transaction.atomic():
        rockon = RockOn.objects.select_for_update().filter(name=name).first()
        if rockon is None:
            return
        if rockon.state != RockOn.AVAILABLE:
            raise Refused("no longer published, but installed")
        images = set(rockon.container_set.values_list("image", flat=True))
        rockon.delete()
        _delete_unused(images)


def _write_rockon(name: str, published: Mapping[str, Any]) -> RockOn:
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
    existing = {container.name: container for container in rockon.container_set.all()}
    if rockon.state != RockOn.AVAILABLE and existing.keys() != published.keys():
        raise Refused(
            f"installed with the containers {sorted(existing)}, but published with "
            f"{sorted(published)}: uninstall it first"
        )
    taken = Container.objects.filter(name__in=published.keys() - existing.keys())
    for name, owner in taken.values_list("name", "rockon__name"):
        raise Refused(f"the container {name!r} belongs to {owner!r}")
    images = {container.image_id for container in existing.values()}
    gone = [container.pk for name, container in existing.items() if name not in published]
    if gone:
        Container.objects.filter(pk__in=gone).delete()
    containers = {}
    for name, spec in published.items():
        container = existing.get(name)
        wanted = {
            "image_id": _image(spec["image"], spec.get("tag", "latest")),
            "launch_order": int(spec["launch_order"]),
            "uid": spec.get("uid"),
            "options": {key: spec[key] for key in OPTIONS if key in spec},
        }
        container = _write(container, Container, {"rockon": rockon, "name": name}, wanted)
        _write_parts(container, spec)
        containers[name] = container
    _delete_unused(images - {container.image_id for container in containers.values()})
    return containers


def _image(name: str, tag: str) -> int:
    return Image.objects.get_or_create(name=name, tag=tag)[0].pk


def _delete_unused(images: set[int]) -> None:
    """Deletes images that are no longer used by any container.

    An image that another rock-on shares must stay: deleting it would delete the containers of that
    rock-on.
    """
    if images:
        Image.objects.filter(pk__in=images, container=None).delete()


def _write_parts(container: Container, spec: Mapping[str, Any]) -> None:
    ports = {
        int(key): {
            "host_default": int(port["host_default"]),
            "protocol": port.get("protocol"),
            "label": port["label"],
            "description": port["description"],
            "is_ui": port.get("ui", False),
        }
        for key, port in spec.get("ports", {}).items()
    }
    volumes = {
        path: {
            "label": volume["label"],
            "description": volume["description"],
            "min_size": str(volume["min_size"]) if "min_size" in volume else None,
        }
        for path, volume in spec.get("volumes", {}).items()
    }
    environment = {
        key: {
            "label": variable["label"],
            "description": variable["description"],
            "index": int(variable.get("index", 1)),
        }
        for key, variable in spec.get("environment", {}).items()
    }
    _write_all(Port, "container_port", {"container": container}, ports)
    _write_all(Volume, "path", {"container": container}, volumes)
    _write_all(Environment, "key", {"container": container}, environment)


def _write_links(containers: Mapping[str, Container], published: Mapping[str, Any]) -> None:
    wanted: dict[Container, dict[str, Any]] = {container: {} for container in containers.values()}
    for destination, links in published.items():
        for link in links:
            source = containers[link["source_container"]]
            wanted[containers[destination]][link["name"]] = {"source_id": source.pk}
    existing = Link.objects.filter(destination__in=containers.values())
    linked = set(existing.values_list("destination", flat=True))
    for container, rows in wanted.items():
        if rows or container.pk in linked:
            _write_all(Link, "name", {"destination": container}, rows)


def _write_all(
    model: type[models.Model], key: str, owner: dict[str, Any], wanted: Mapping[Any, dict[str, Any]]
) -> None:
    """Makes the owner's rows equal to `wanted`. Writes only rows that differ."""
    existing = {getattr(row, key): row for row in model._default_manager.filter(**owner)}
    gone = [row.pk for value, row in existing.items() if value not in wanted]
    if gone:
        model._default_manager.filter(pk__in=gone).delete()
    for value, fields in wanted.items():
        row = existing.get(value)
        port = row if isinstance(row, Port) else None
        if model is Port and (port is None or port.host_default != fields["host_default"]):
            # In the order of the text: if two rock-ons request the same port, the first gets it.
            fields = {**fields, "host_port": _next_free_port(fields["host_default"], port)}
        _write(row, model, {**owner, key: value}, fields)


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


def _next_free_port(wanted: int, own: Port | None) -> int:
    others = Port.objects.exclude(pk=own.pk) if own else Port.objects.all()
    taken = set(others.filter(host_port__gte=wanted).values_list("host_port", flat=True))
    for port in range(wanted, MAX_PORT + 1):
        if port not in taken:
            return port
    raise Refused(f"no free port from {wanted} up")
