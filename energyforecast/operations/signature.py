"""Signatures of stored models: HMAC-SHA256 with a key from the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

from energyforecast.core.arguments import checked
from energyforecast.errors import ConfigurationError

__all__ = ["is_signed_by", "key_from_environment", "sign"]

#: A shorter key can be guessed. [bytes]
_SHORTEST: Final = 16


@checked()
def sign(content: bytes, *, key: bytes) -> str:
    r"""Message authentication code HMAC-SHA256, in hexadecimal digits.

    .. math:: \mathrm{HMAC}(k, m) = H\big((k' \oplus o) \,\|\, H((k' \oplus i) \,\|\, m)\big)

    with the hash :math:`H` SHA-256, the key :math:`k'` filled up to a block, and the fixed bytes :math:`o` and
    :math:`i`.

    Parameters
    ----------
    content : bytes
    key : bytes

    See Also
    --------
    is_signed_by, key_from_environment

    References
    ----------
    Krawczyk, Bellare and Canetti (1997), https://doi.org/10.17487/RFC2104.

    Examples
    --------
    >>> sign(b"what do ya want for nothing?", key=b"Jefe")[:16]  # test case 2 of RFC 4231
    '5bdcc146bf60754e'
    """
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def is_signed_by(content: bytes, signature: object, *, key: bytes) -> bool:
    """Whether a signature is that of the content by this key.

    Parameters
    ----------
    content : bytes
    signature : object
        As it was read: anything but the right text is no signature.
    key : bytes

    See Also
    --------
    sign

    Examples
    --------
    >>> is_signed_by(b"model", sign(b"model", key=b"key"), key=b"key")
    True
    >>> is_signed_by(b"model", None, key=b"key")
    False
    """
    given = signature.encode("utf-8", "replace") if isinstance(signature, str) else b""
    return hmac.compare_digest(given, sign(content, key=key).encode())


def key_from_environment(variable: str | None) -> bytes | None:
    """Key in an environment variable; None where no variable is named.

    Parameters
    ----------
    variable : str, optional
        Name of the variable: ``signature_key_env`` of a configuration.

    Raises
    ------
    ConfigurationError
        If there is no such variable, or its value has less than 16 bytes.

    See Also
    --------
    sign

    Examples
    --------
    >>> key_from_environment(None) is None
    True
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").encode("utf-8", "surrogateescape")
    if len(key) < _SHORTEST:
        raise ConfigurationError(
            f"signature_key_env is {variable!r}, and the environment has "
            + (f"a key of {len(key)} bytes there." if key else "no such variable."),
            f"It must hold the key by which models are signed, of at least {_SHORTEST} bytes.",
            f"Set it, as by: export {variable}=$(openssl rand -hex 32), the same for all who train and forecast.",
        )
    return key
