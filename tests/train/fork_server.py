"""Processes for the tests of training, forked from a server that has imported everything: else each takes seconds."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess

MODULES = ["wildpose.train.loop", "rendered_batch", "kill_trial", "gang"]


def start(target: Callable, *args: object) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    process = context.Process(target=_forking, args=(target, *args))
    process.start()
    return process


def _forking(target: Callable, *args: object) -> None:
    """The server's children would start their loaders from servers of their own; a run forks them."""
    multiprocessing.set_start_method("fork", force=True)
    target(*args)


def start_gang(count: int, target: Callable, *args: object) -> list[BaseProcess]:
    """`count` processes with the environment that torchrun gives."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [start(_member, rank, count, port, target, args) for rank in range(count)]


def _member(rank: int, count: int, port: int, target: Callable, args: tuple) -> None:
    import torch

    torch.set_num_threads(1)
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    os.environ.update(zip(names, map(str, (rank, rank, count, "127.0.0.1", port)), strict=True))
    target(*args)


def codes(processes: list[BaseProcess], timeout_s: float = 300.0) -> list[int | None]:
    """Exit codes; a process that hangs is killed."""
    for process in processes:
        process.join(timeout_s)
        process.kill()
        process.join()
    return [process.exitcode for process in processes]
