"""The "Update" button of an appliance, as it is without the package.

It fetches every file and writes every row. `docs/guides/adoption.md` prints the change that makes
it fetch and write only what has changed; `test_adoption.py` applies that change to this file.
"""

import json
import logging
from pathlib import Path

import requests
from django.conf import settings
from django.db import transaction
from django.http import JsonResponse
from django.views import View
from rockons import docker

from appliance.models import (
    ContainerOption,
    DContainer,
    DContainerDevice,
    DContainerEnv,
    DContainerLink,
    DCustomConfig,
    DImage,
    DPort,
    DVolume,
    RockOn,
)

logger = logging.getLogger(__name__)

MAX_PORT = 65_535


class RockOnView(View):
    """The update of the catalog."""

    def post(self, request):
        if not docker.is_running():
            return self._fail("Docker does not run.")
        errors = []
        rockons = self._get_available()
        RockOn.objects.filter(state="available").exclude(name__in=rockons).delete()
        for name, definition in rockons.items():
            try:
                self._create_update_meta(name, definition)
            except Exception as error:
                logger.exception("cannot update %s", name)
                errors.append(f"{name}: {error}")
        if errors:
            return self._fail("Some Rock-ons could not be updated: " + "; ".join(errors))
        return JsonResponse({})

    def _fail(self, detail):
        return JsonResponse({"detail": detail}, status=500)

    def _get_available(self):
        """Downloads every definition, and adds the owner's own ones."""
        session = requests.Session()
        session.trust_env = False
        rockons = {}
        for file in self._get(session, "root.json").values():
            rockons.update(self._get(session, file))
        for file in sorted(Path(settings.ROCKON_LOCAL).glob("*.json")):
            rockons.update(json.loads(file.read_text()))
        return rockons

    def _get(self, session, file):
        answer = session.get(settings.ROCKON_URL + file, timeout=30)
        answer.raise_for_status()
        return answer.json()

    @transaction.atomic
    def _create_update_meta(self, name, definition):
        """Writes one Rock-on with everything that belongs to it."""
        rockon, _ = RockOn.objects.update_or_create(
            name=name,
            defaults={
                "description": definition["description"],
                "version": definition["version"],
                "website": definition["website"],
                "more_info": definition.get("more_info"),
                "ui": definition.get("ui"),
                "https": definition.get("ui", {}).get("https", False),
                "volume_add_support": definition.get("volume_add_support", False),
            },
        )
        containers = definition["containers"]
        for container in rockon.dcontainer_set.exclude(name__in=containers):
            if rockon.state != "available":
                raise Exception(f"{container.name} is no longer published, but {name} is installed")
            container.delete()
        for container_name, spec in containers.items():
            self._create_update_container(rockon, container_name, spec)
        links = definition.get("container_links", {})
        DContainerLink.objects.filter(destination__rockon=rockon).exclude(
            destination__name__in=links
        ).delete()
        for destination, sources in links.items():
            owner = DContainer.objects.get(rockon=rockon, name=destination)
            DContainerLink.objects.filter(destination=owner).exclude(
                name__in=[link["name"] for link in sources]
            ).delete()
            for link in sources:
                source = DContainer.objects.get(rockon=rockon, name=link["source_container"])
                DContainerLink.objects.update_or_create(
                    source=source, defaults={"destination": owner, "name": link["name"]}
                )
        custom_config = definition.get("custom_config", {})
        self._replace(DCustomConfig, {"rockon": rockon}, "key", custom_config)

    def _create_update_container(self, rockon, name, spec):
        container = DContainer.objects.filter(name=name).first()
        if container is not None and container.rockon != rockon:
            raise Exception(f"duplicate container {name}, it belongs to {container.rockon.name}")
        if container is None and rockon.state != "available":
            raise Exception(f"{name} is published now, but {rockon.name} is installed")
        tag = spec.get("tag", "latest")
        image, _ = DImage.objects.get_or_create(name=spec["image"], defaults={"tag": tag})
        if image.tag != tag:
            image.tag = tag
            image.save()
        values = {"dimage": image, "launch_order": spec["launch_order"], "uid": spec.get("uid")}
        if container is None:
            container = DContainer.objects.create(rockon=rockon, name=name, **values)
        else:
            old = container.dimage
            DContainer.objects.filter(pk=container.pk).update(**values)
            if old != image:
                old.delete()
        self._create_update_ports(container, spec.get("ports", {}))
        self._replace(DVolume, {"container": container}, "dest_dir", spec.get("volumes", {}))
        self._replace(DContainerEnv, {"container": container}, "key", spec.get("environment", {}))
        self._replace(DContainerDevice, {"container": container}, "dev", spec.get("devices", {}))
        ContainerOption.objects.filter(container=container).delete()
        for option, value in spec.get("opts", []):
            ContainerOption.objects.create(container=container, name=option, val=value)

    def _create_update_ports(self, container, published):
        DPort.objects.filter(container=container).exclude(containerp__in=published).delete()
        for containerp, port in published.items():
            values = {
                "protocol": port.get("protocol"),
                "uiport": port.get("ui", False),
                "description": port["description"],
                "label": port["label"],
            }
            existing = DPort.objects.filter(container=container, containerp=containerp).first()
            if existing is None or existing.hostp_default != port["host_default"]:
                free = self._next_available_default_hostp(port["host_default"])
                values |= {"hostp": free, "hostp_default": free}
            DPort.objects.update_or_create(
                container=container, containerp=containerp, defaults=values
            )

    def _next_available_default_hostp(self, port):
        taken = set(DPort.objects.values_list("hostp", flat=True))
        while port in taken:
            port += 1
        if port > MAX_PORT:
            raise Exception("no host port is free")
        return port

    def _replace(self, model, owner, key, published):
        """Makes the rows of one kind equal to the published ones. Chosen values stay."""
        model.objects.filter(**owner).exclude(**{f"{key}__in": published}).delete()
        for value, spec in published.items():
            fields = {"description": spec["description"], "label": spec["label"]}
            if "min_size" in spec:
                fields["min_size"] = spec["min_size"]
            model.objects.update_or_create(**owner, **{key: value}, defaults=fields)
