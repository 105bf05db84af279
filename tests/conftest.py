"""What holds for every test."""

import signal

# A shell ignores Ctrl-C on behalf of what it runs in the background, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)
