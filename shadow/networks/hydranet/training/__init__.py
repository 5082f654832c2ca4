"""From a recipe to a trained network: data drawn, weights fitted, thresholds calibrated, a card."""
