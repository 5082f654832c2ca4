"""What a vehicle records over time: the signal catalogue, resampling, validation."""
