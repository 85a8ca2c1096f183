"""A stand-in for Text Generation Inference: its command line, phases and HTTP API, no GPU."""

VERSION = "3.3.6-dev0"
"""What /info.version of image 3.3.7 says: TGI's own Cargo.toml was not raised for that tag."""

DOCKER_LABEL = "sha-emulator"
"""/info.docker_label, so that this is not taken for TGI."""
