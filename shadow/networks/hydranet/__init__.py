"""HydraNet, the network kind ``safetensors``: one backbone for all cameras, a head per task."""
