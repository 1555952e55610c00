"""Tokens, leases and git credentials: how they are made and how they are recognised.

Only hashes are stored. A lease and its git password are derived from the server's secret and the
claim, so that a repeated claim gets the same ones (rules.md R12) although nobody kept them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field


def digest(token: str) -> str:
    """What is stored of a token: SHA-256 in hex. Enough, since every token has 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """A fresh random token, ``<prefix>_<43 URL-safe characters>``."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True, slots=True)
class AttemptSecrets:
    """What proves to be an attempt, to the server and to its git."""

    lease: str = field(repr=False)
    git_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeaseKeys:
    """Derives the secrets of an attempt."""

    secret: bytes = field(repr=False)

    def attempt(self, job_id: str, attempt: int, claim_id: str) -> AttemptSecrets:
        """Both secrets of an attempt."""
        return AttemptSecrets(
            self.lease(job_id, attempt, claim_id), self.git_password(job_id, attempt, claim_id)
        )

    def lease(self, job_id: str, attempt: int, claim_id: str) -> str:
        """The token that fences every write of this attempt."""
        return "lease_" + self._derive("lease", job_id, attempt, claim_id)

    def git_password(self, job_id: str, attempt: int, claim_id: str) -> str:
        """The password with which this attempt, and nothing else, reaches its repository."""
        return "git_" + self._derive("git", job_id, attempt, claim_id)

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, from which no other secret follows."""
        return hmac.digest(self.secret, f"key\0{purpose}".encode(), "sha256")

    def _derive(self, purpose: str, job_id: str, attempt: int, claim_id: str) -> str:
        message = f"{purpose}\0{job_id}\0{attempt}\0{claim_id}".encode()
        code = hmac.digest(self.secret, message, "sha256")
        return urlsafe_b64encode(code).rstrip(b"=").decode()
