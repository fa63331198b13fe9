"""The URLs of the example project."""

from django.urls import path
from rockons import views

urlpatterns = [
    path("api/rockons/update", views.update),
    path("api/rockons/repair", views.repair),
]
