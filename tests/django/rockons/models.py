"""Rock-ons in the appliance: published values, and the owner's choices."""

from django.db import models


class RockOn(models.Model):
    """One definition."""

    AVAILABLE = "available"
    INSTALLED = "installed"

    name = models.CharField(max_length=1024, unique=True)
    description = models.TextField()
    version = models.CharField(max_length=2048)
    website = models.CharField(max_length=2048, null=True)
    icon = models.CharField(max_length=2048, null=True)
    more_info = models.TextField(null=True)
    ui = models.JSONField(null=True)
    volume_add_support = models.BooleanField(default=False)
    state = models.CharField(max_length=32, default=AVAILABLE)
    catalog_revision = models.CharField(max_length=64, null=True)


class Image(models.Model):
    """A container image. Containers of several rock-ons may share one."""

    name = models.CharField(max_length=1024)
    tag = models.CharField(max_length=1024)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "tag"], name="one_image")]


class Container(models.Model):
    """A container. Docker requires its name to be unique on the machine."""

    rockon = models.ForeignKey(RockOn, models.CASCADE)
    image = models.ForeignKey(Image, models.PROTECT)
    name = models.CharField(max_length=1024, unique=True)
    launch_order = models.IntegerField(default=1)
    uid = models.IntegerField(null=True)
    options = models.JSONField(null=True)


class Port(models.Model):
    """A port of a container, and the host port that leads to it."""

    container = models.ForeignKey(Container, models.CASCADE)
    container_port = models.IntegerField()
    host_default = models.IntegerField()
    """The host port that the definition requests."""
    host_port = models.IntegerField(unique=True)
    """The assigned host port: the next free one when the row was created."""
    protocol = models.CharField(max_length=32, null=True)
    label = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048)
    is_ui = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["container", "container_port"], name="one_port")
        ]


class Share(models.Model):
    """A directory of the machine, which its owner may delete at any time."""

    name = models.CharField(max_length=1024, unique=True)


class Volume(models.Model):
    """A directory of a container, and the share that the owner assigned."""

    container = models.ForeignKey(Container, models.CASCADE)
    path = models.CharField(max_length=1024)
    label = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048)
    min_size = models.CharField(max_length=64, null=True)
    share = models.ForeignKey(Share, models.SET_NULL, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["container", "path"], name="one_volume")]


class Environment(models.Model):
    """A variable of a container, and the value that the owner assigned."""

    container = models.ForeignKey(Container, models.CASCADE)
    key = models.CharField(max_length=1024)
    label = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048)
    index = models.IntegerField(default=1)
    value = models.CharField(max_length=1024, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["container", "key"], name="one_variable")]


class Link(models.Model):
    """A container that another one reaches by a name."""

    destination = models.ForeignKey(Container, models.CASCADE, related_name="links")
    source = models.ForeignKey(Container, models.CASCADE, related_name="linked_from")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["destination", "name"], name="one_link")]


class Refusal(models.Model):
    """A revision that could not be written. It is not tried again until something changes."""

    name = models.CharField(max_length=1024, unique=True)
    revision = models.CharField(max_length=64)
    reason = models.TextField()
