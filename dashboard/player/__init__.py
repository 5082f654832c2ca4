"""The clip player: video from the server, a component in the browser."""
