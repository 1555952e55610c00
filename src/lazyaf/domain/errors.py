"""Every failure LazyAF can name, each knowing its HTTP status and its stable code.

The transport turns one of these into RFC 9457 ``application/problem+json``; nobody else formats
errors. Raise the most specific class, once, at the depth that knows.

::

    LazyafError
    ├── Invalid              422  the request is well-formed but says something that cannot be
    ├── BadRequest           400  the request is malformed
    ├── Unauthenticated      401  no credential, or one that is not known
    ├── Forbidden            403  a known credential that may not do this
    ├── NotFound             404
    ├── Conflict             409  the state of the thing forbids this now
    │   ├── IllegalTransition     … a command its state does not allow; says which are
    │   ├── VersionConflict  412  If-Match names an older version
    │   ├── NameTaken
    │   ├── MergeConflict         … the paths that conflict are in ``files``
    │   ├── BranchMoved           … the branch is not where the caller saw it
    │   ├── LeaseLost             … this lease no longer holds the job
    │   ├── SequenceGap           … log entries are missing before these
    │   └── UnsupportedProtocol   … the runner must be upgraded
    ├── TooLarge             413
    ├── TooManyAttempts      429  wrong passwords came too fast; ``retry_after`` says how long to wait
    ├── Unavailable          503  a part that is needed is not there now; try again
    │   ├── DiskFull              … a disk of the server takes nothing more
    │   └── ForgeLimited          … a forge wants no more requests; ``retry_after`` says for how long
    └── GitFailed            500  git answered in a way that nothing here expects
        └── DiedSilent            … it ended by itself before it had said a word
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class LazyafError(Exception):
    """An error with an HTTP status, a stable code and, where it helps, facts to act upon.

    ``detail`` is one sentence that says what failed and what to do. ``extra`` holds the members
    that problem+json carries beside the standard ones (``allowed``, ``files``, ``fields`` …).
    """

    status = 500
    code = "internal"
    title = "Something went wrong"

    def __init__(
        self, detail: str, *, code: str | None = None, extra: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        self.extra: dict[str, object] = dict(extra or {})


class BadRequest(LazyafError):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    title = "Malformed request"


class Invalid(LazyafError):
    """The request is understood, but what it asks for cannot be."""

    status = 422
    code = "invalid"
    title = "Invalid request"

    @classmethod
    def field(cls, name: str, detail: str) -> Invalid:
        """An error about one field, in the shape that forms read."""
        return cls(detail, extra={"fields": {name: detail}})


class Unauthenticated(LazyafError):
    """No credential, or one that is not known."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(LazyafError):
    """A known credential that may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(LazyafError):
    """There is no such thing."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(LazyafError):
    """The state of the thing forbids this now."""

    status = 409
    code = "conflict"
    title = "Conflict"


class IllegalTransition(Conflict):
    """A command that the present state does not allow."""

    code = "illegal_transition"
    title = "Not possible in this state"

    def __init__(self, detail: str, *, allowed: Iterable[str]) -> None:
        super().__init__(detail, extra={"allowed": sorted(allowed)})


class VersionConflict(Conflict):
    """``If-Match`` names a version that is no longer the current one."""

    status = 412
    code = "version_conflict"
    title = "Changed meanwhile"


class NameTaken(Conflict):
    """The name is in use."""

    code = "name_taken"
    title = "Name taken"


class MergeConflict(Conflict):
    """The branch does not merge; ``files`` names the paths."""

    code = "merge_conflict"
    title = "Merge conflict"

    def __init__(self, detail: str, *, files: Iterable[str]) -> None:
        super().__init__(detail, extra={"files": sorted(files)})


class BranchMoved(Conflict):
    """The branch is not where the caller saw it."""

    code = "branch_moved"
    title = "The branch moved"


class LeaseLost(Conflict):
    """This lease no longer holds the job."""

    code = "lease_lost"
    title = "Lease lost"


class SequenceGap(Conflict):
    """Log entries are missing before the ones sent; ``expected`` is the next number."""

    code = "sequence_gap"
    title = "Log entries missing"

    def __init__(self, *, expected: int) -> None:
        super().__init__(
            f"The next entry expected is number {expected}. Send from there.",
            extra={"expected": expected},
        )


class UnsupportedProtocol(Conflict):
    """The runner speaks a version that this server does not."""

    code = "unsupported_protocol"
    title = "Upgrade the runner"


class TooLarge(LazyafError):
    """The body or the pack is larger than allowed."""

    status = 413
    code = "too_large"
    title = "Too large"


class TooManyAttempts(LazyafError):
    """Passwords were tried too fast; ``retry_after`` is the number of seconds to wait."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"

    def __init__(self, *, retry_after: int) -> None:
        unit = "second" if retry_after == 1 else "seconds"
        super().__init__(
            f"Too many passwords were tried. Try again in {retry_after} {unit}.",
            extra={"retry_after": retry_after},
        )


class Unavailable(LazyafError):
    """A part that is needed is not there at the moment."""

    status = 503
    code = "unavailable"
    title = "Not available now"


class DiskFull(Unavailable):
    """A disk of the server, or of its database, takes nothing more."""

    code = "disk_full"
    title = "Disk full"

    def __init__(
        self, detail: str = "The server's disk is full. Make room there, then try again."
    ) -> None:
        super().__init__(detail)


class ForgeLimited(Unavailable):
    """A forge takes no more requests from this token for ``retry_after`` seconds."""

    code = "forge_limited"
    title = "Too many requests to the forge"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, extra={"retry_after": retry_after})
        self.retry_after = retry_after


class GitFailed(LazyafError):
    """git answered in a way that nothing here expects; the detail carries its own words."""

    code = "git_failed"
    title = "git failed"


class DiedSilent(GitFailed):
    """git could not take the request, or not serve: who asked it finds out which."""

    code = "git_silent"
