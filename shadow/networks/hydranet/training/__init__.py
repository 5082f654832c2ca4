"""Training a HydraNet from a recipe: data, weights, thresholds, and a model card."""
