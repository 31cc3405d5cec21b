"""The one exception that means "what you gave us can't be used": the command line prints one line, exit code 2."""


class InputError(ValueError):
    """Bad input at the boundary: a file, a box, a setting, a data set.

    Says what was expected, what came instead and how to mend it, in one line.
    """

    def __init__(self, expected: str, got: str, fix: str):
        super().__init__(f"expected {expected}, got {got}; {fix}")
        self.expected, self.got, self.fix = expected, got, fix

    def __reduce__(self) -> tuple:
        """Across processes as it is: a pool would wait for ever for an exception that can't be made again."""
        return type(self), (self.expected, self.got, self.fix)
