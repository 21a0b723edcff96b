"""Grants as JSON Web Tokens signed by Ed25519 (RFC 7519, RFC 8037), so that a target may check one by itself."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, Final

from services.releases.ports import BadGrant, Claims
from shared.ledgerlog.notes import Signer

ALGORITHM: Final = "EdDSA"
AUDIENCE: Final = "milesaga-releases"
LONGEST: Final = 4096


class JwtGrants:
    """The `Grants` port."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._issuer = signer.key.name
        self._kid = signer.key.id.hex()

    def signed(self, claims: Claims) -> str:
        import jwt  # noqa: PLC0415 - heavy: only who grants pays for it

        told = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "jti": claims.jti,
            "sub": claims.request,
            "action": claims.action,
            "digest": claims.digest,
            "target": claims.target,
            "log_index": claims.log_index,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.until.timestamp()),
        }
        return jwt.encode(told, self._signer.private, ALGORITHM, {"kid": self._kid})

    def read(self, grant: str) -> Claims:
        import jwt  # noqa: PLC0415 - as above

        if len(grant) > LONGEST:
            raise BadGrant(expired=False)
        options: Any = {
            "require": ["jti", "sub", "action", "digest", "target", "log_index", "iat", "exp"],
            "verify_exp": False,
            "verify_iat": False,
        }
        key = self._signer.private.public_key()
        try:
            told = jwt.decode(grant, key, [ALGORITHM], options, audience=AUDIENCE, issuer=self._issuer)
            return Claims(
                jti=str(told["jti"]),
                request=str(told["sub"]),
                action=str(told["action"]),
                digest=str(told["digest"]),
                target=str(told["target"]),
                log_index=int(told["log_index"]),
                issued_at=datetime.fromtimestamp(int(told["iat"]), UTC),
                until=datetime.fromtimestamp(int(told["exp"]), UTC),
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise BadGrant(expired=False) from error

    def jwks(self) -> dict[str, Any]:
        """The public key as a set (RFC 8037)."""
        x = urlsafe_b64encode(self._signer.key.public).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": self._kid, "x": x}
        return {"keys": [key]}
