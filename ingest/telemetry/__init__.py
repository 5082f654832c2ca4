"""What a vehicle records over time: signal catalogue, resampling, validation."""
