#!/bin/sh
# The mirror's own process: apt repositories by nginx, images by Debian's docker-registry.
nginx && exec docker-registry serve /etc/docker/registry/config.yml
