"""The clip player: video on the server's side, a component on the browser's."""
