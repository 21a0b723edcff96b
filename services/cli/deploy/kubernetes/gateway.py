"""The public paths for a cluster without a Gateway controller: nginx, each path to the service that answers it."""

import json
from collections.abc import Iterable
from typing import Final

from services.cli.deploy.kubernetes.objects import PORT, resource
from shared.runtime.description import ANY, Description, pattern
from shared.web.problems import try_again

SERVER: Final = """\
# Made by `make manifests` from services/house.py: change it there.
pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  client_max_body_size 5m;
  server {{
    listen 8080;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    # a purchase's event stream is silent for as long as nothing happens
    proxy_read_timeout 120s;
    proxy_connect_timeout 3s;
    proxy_buffering off;
    error_page 502 504 = @away;
{locations}    location @away {{
      default_type application/problem+json;
      add_header Retry-After 1 always;
      return 503 '{away}';
    }}
    location = /healthz {{ return 200; }}
    location / {{ return 404; }}
  }}
}}
"""
LOCATION: Final = "    location {place} {{ proxy_pass http://{name}:{port}; }}\n"


def _place(path: str) -> str:
    """A pattern goes before beginnings, wherever it stands."""
    return f"~ ^{pattern(path)}(/|$)" if ANY in path else path


def configuration(house: Iterable[Description]) -> str:
    """The whole of `nginx.conf`."""
    upstreams = [(path, resource(each.name)) for each in house for path in each.public]
    upstreams.append(("/sandbox/", "sandbox"))
    places = [LOCATION.format(place=_place(path), name=name, port=PORT) for path, name in upstreams]
    away = json.loads(bytes(try_again("unavailable", "The service for this is away; try again.").response("").body))
    del away["instance"]
    return SERVER.format(locations="".join(places), away=json.dumps(away))
