"""What AWS said, in the core's words: every verb that calls AWS for a person lets this translate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.errors import UpstreamBusy, UpstreamLimitReached, UpstreamRefusal, UpstreamRejected, UpstreamTimedOut
from aws.errors import AwsError, AwsRefused, AwsTimedOut


@contextmanager
def upstream_refusals() -> Iterator[None]:
    """Raise UpstreamRefusal, or the kind of it that says more, in place of an AwsError."""
    try:
        yield
    except AwsTimedOut as error:
        raise (UpstreamBusy if error.is_out_of_time else UpstreamTimedOut) from error
    except AwsRefused as error:
        if error.is_limit:
            raise UpstreamLimitReached from error
        if error.is_invalid:
            raise UpstreamRejected from error
        raise UpstreamRefusal from error
    except AwsError as error:
        raise UpstreamRefusal from error
