"""Result files of other tools: ground truth, and what two networks said, in their usual formats."""
