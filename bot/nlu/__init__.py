"""What a message means: components of Rasa's pipeline, and what they are made of."""

import sys

# TensorFlow imports JAX if it is there, and nobody here uses it: seconds of each start of Rasa
sys.modules.setdefault("jax", None)  # type: ignore[arg-type]
