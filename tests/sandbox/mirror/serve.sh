#!/bin/sh
# The mirror's process: nginx serves the apt repositories and the Hub, Debian's docker-registry the images.
nginx && exec docker-registry serve /etc/docker/registry/config.yml
