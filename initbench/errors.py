"""The errors that a user can put right: a config, a dataset, a results folder that cannot be used."""


class InitbenchError(Exception):
    """``str(error)`` says what was found and what to do; the command line shows it alone and exits with code 2."""
