from __future__ import annotations

from django.urls import path

from bench.stock.views import DecideView, SubmitView

urlpatterns = [path("requests", SubmitView.as_view()), path("requests/<uuid:request_id>", DecideView.as_view())]
