"""Loading of model files that were saved before version 0.2.

Since version 0.2, the embeddings, the dropout layers and the softmax layer are
sub-layers of the layers `source` and `target` of a model. Before version 0.2,
`source` and `target` did not exist, and the model itself had these sub-layers.
"""

from typing import Any

import keras

# Path of weights that only files from before version 0.2 have.
_MARK = "layers/reversible_embedding"


class ReadsOldFiles(keras.Model):
    """Model that also loads weights from files saved before version 0.2."""

    _reads_old_file = False

    def load_own_variables(self, store: Any) -> None:
        # Keras calls this method first, then loads the weights of `layers`.
        self._reads_old_file = store.has_path(_MARK)
        super().load_own_variables(store)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """Layers of the model.

        While the model loads a file from before version 0.2, these are the
        layers that `old_layers` lists.
        """
        if not self._reads_old_file:
            return super().layers
        self._reads_old_file = False
        return old_layers(self)


def old_layers(model: Any) -> list[keras.layers.Layer]:
    """List the layers that were a model's direct sub-layers before version 0.2.

    The order of the layers is the same as in files from before version 0.2.
    """
    source, target = model.source, model.target
    every = [
        model.encoder,
        model.decoder,
        target.dropout.units,
        target.dropout.words,
        target.embedding,
        source.embedding,
        target.projection,
    ]
    found = {id(layer): layer for layer in every if layer is not None}
    return list(found.values())


def old_variables(model: Any) -> list[keras.Variable]:
    """List a model's variables in the order they had before version 0.2."""
    if not hasattr(model, "source"):
        return list(model.variables)
    return [v for layer in old_layers(model) for v in layer.variables]


def is_old_config(config: dict[str, Any]) -> bool:
    """Tell whether a model's configuration was saved before version 0.2."""
    return "source_vocabulary_size" in config
