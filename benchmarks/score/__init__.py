"""How fast result files are scored, beside pycocotools and hotcoco."""
