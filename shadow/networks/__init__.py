"""Networks: manifest, registry, architectures, loading."""
