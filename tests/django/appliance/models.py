"""Tables like those of the appliance, to which the change in docs/guides/adoption.md is applied.

Unlike in the example project, a name may occur twice, a share takes its volumes with it, and an
image takes its containers with it.
"""

from django.db import models


class Share(models.Model):
    name = models.CharField(max_length=1024, unique=True)


class RockOn(models.Model):
    name = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048)
    version = models.CharField(max_length=2048)
    state = models.CharField(max_length=2048, default="available")
    website = models.CharField(max_length=2048, null=True)
    more_info = models.TextField(null=True)
    ui = models.JSONField(null=True)
    https = models.BooleanField(default=False)
    volume_add_support = models.BooleanField(default=False)
    catalog_revision = models.CharField(max_length=64, null=True)


class DImage(models.Model):
    name = models.CharField(max_length=1024)
    tag = models.CharField(max_length=1024)


class DContainer(models.Model):
    rockon = models.ForeignKey(RockOn, models.CASCADE)
    dimage = models.ForeignKey(DImage, models.CASCADE)
    name = models.CharField(max_length=1024, unique=True)
    launch_order = models.IntegerField(default=1)
    uid = models.IntegerField(null=True)


class DContainerLink(models.Model):
    source = models.OneToOneField(DContainer, models.CASCADE)
    destination = models.ForeignKey(DContainer, models.CASCADE, related_name="destination_of")
    name = models.CharField(max_length=64, null=True)

    class Meta:
        unique_together = ("destination", "name")


class DPort(models.Model):
    container = models.ForeignKey(DContainer, models.CASCADE)
    containerp = models.IntegerField()
    hostp = models.IntegerField(unique=True)
    hostp_default = models.IntegerField()
    protocol = models.CharField(max_length=32, null=True)
    uiport = models.BooleanField(default=False)
    description = models.CharField(max_length=1024, null=True)
    label = models.CharField(max_length=1024, null=True)

    class Meta:
        unique_together = ("container", "containerp")


class DVolume(models.Model):
    container = models.ForeignKey(DContainer, models.CASCADE)
    share = models.ForeignKey(Share, models.CASCADE, null=True)
    dest_dir = models.CharField(max_length=1024)
    description = models.CharField(max_length=1024, null=True)
    min_size = models.CharField(max_length=64, null=True)
    label = models.CharField(max_length=1024, null=True)

    class Meta:
        unique_together = ("container", "dest_dir")


class DContainerEnv(models.Model):
    container = models.ForeignKey(DContainer, models.CASCADE)
    key = models.CharField(max_length=1024)
    val = models.CharField(max_length=1024, null=True)
    description = models.CharField(max_length=2048, null=True)
    label = models.CharField(max_length=64, null=True)

    class Meta:
        unique_together = ("container", "key")


class DContainerDevice(models.Model):
    container = models.ForeignKey(DContainer, models.CASCADE)
    dev = models.CharField(max_length=1024)
    val = models.CharField(max_length=1024, null=True)
    description = models.CharField(max_length=2048, null=True)
    label = models.CharField(max_length=64, null=True)

    class Meta:
        unique_together = ("container", "dev")


class ContainerOption(models.Model):
    container = models.ForeignKey(DContainer, models.CASCADE)
    name = models.CharField(max_length=1024)
    val = models.CharField(max_length=1024, blank=True)


class DCustomConfig(models.Model):
    rockon = models.ForeignKey(RockOn, models.CASCADE)
    key = models.CharField(max_length=1024)
    val = models.CharField(max_length=1024, null=True)
    description = models.CharField(max_length=2048, null=True)
    label = models.CharField(max_length=64, null=True)

    class Meta:
        unique_together = ("rockon", "key")
