"""How far verdicts can be trusted: false alarms, coverage, false passes, power, planning.

Synthetic scores and rows of detections are judged by the public function
`metrics.gate.verdicts.judge`, never by its internals. Drives are independent. They differ in size,
in difficulty (the same for both networks) and in how well each network does on them.
"""
