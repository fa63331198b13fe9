"""Settings of the example project. Settings of the deployment come from the environment."""

import os

SECRET_KEY = "only-for-tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["rockons", "appliance"]
ROOT_URLCONF = "example.urls"
ALLOWED_HOSTS = ["testserver", "localhost"]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "rockons"),
        "USER": os.environ.get("PGUSER", "postgres"),
        "HOST": os.environ.get("PGHOST", ""),
        "PORT": os.environ.get("PGPORT", ""),
    }
}

ROCKON_STORE = os.environ.get("ROCKON_STORE", "/var/lib/example/rockons")
ROCKON_LOCAL = os.environ.get("ROCKON_LOCAL", "/var/lib/example/local-rockons")
ROCKON_SOURCE = os.environ.get("ROCKON_SOURCE", "https://example.org/rockons/v2/")
ROCKON_TIMEOUT_S = 60

# The catalog directory that the appliance downloads without the package.
ROCKON_URL = "https://example.org/rockons/"
