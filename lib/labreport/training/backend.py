"""The one place that knows which backend Keras runs on: threads, deterministic operations, and what
the device is called.
"""

import os

import keras

from ..runs import provenance


def threads() -> int:
    """Threads for computing: LABREPORT_THREADS, or the processors this process may use."""
    asked = os.environ.get("LABREPORT_THREADS", "")
    if asked and not (asked.isdigit() and int(asked)):
        raise ValueError(f"LABREPORT_THREADS must be a whole number of at least 1, got {asked!r}")
    return int(asked or provenance.processors())


def prepare() -> None:
    """Pin the number of threads and ask for deterministic operations; before the first tensor, and
    as often as you like.

    1, 2 and 4 threads give different last bits, so the number is pinned, and recorded with the run.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    count = threads()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:  # too late: the runtime has started, with the number it had then
        started_with = tf.config.threading.get_intra_op_parallelism_threads()
        if started_with != count:
            raise RuntimeError(
                f"TensorFlow already runs with {started_with or 'its own number of'} threads,"
                f" {count} were requested; restart the kernel and call backend.prepare() before"
                " the first model, as in the notebook's setup cell"
            ) from None
    tf.config.experimental.enable_op_determinism()


def describe() -> dict:
    """Backend, device and threads, for the record of a run."""
    name = keras.backend.backend()
    device = "CPU"
    if name == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            device = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    elif name == "jax":
        import jax

        device = jax.devices()[0].device_kind
    return {"backend": name, "device": device, "threads": threads()}
