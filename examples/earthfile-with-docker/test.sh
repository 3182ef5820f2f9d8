#!/bin/sh
# The server's port is published to this step's own network.
set -eu
container=$(docker run -d -p 8080:80 page-server:latest)
tries=0
until wget -q -O answer.html http://127.0.0.1:8080/; do
  tries=$((tries + 1))
  if [ "$tries" -gt 50 ]; then
    docker logs "$container"
    exit 1
  fi
  sleep 0.1
done
docker rm -f "$container" >/dev/null
cmp page.html answer.html
