"""The paper's tables as queues of runs, and ours beside the paper's."""
