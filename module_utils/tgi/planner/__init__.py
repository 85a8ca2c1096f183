"""Whether a model fits the GPUs it shall have, and what TGI will make of them."""
