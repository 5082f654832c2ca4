"""Result files of other tools: read, evaluated, stored, judged."""
