"""The providers by which a campus signs in, made of what the settings say; each is loaded only where it is named."""

from __future__ import annotations

from collections.abc import Sequence

from qaflow.errors import ConfigError
from qaflow.providers import Cas, Ldap, Oidc, Provider
from qaflow.services.ports import Redirecting, Weighing


def redirecting(providers: Sequence[Provider]) -> dict[str, Redirecting]:
    """Return the providers to which a browser goes."""
    found: dict[str, Redirecting] = {}
    for one in providers:
        if isinstance(one, Oidc):
            from qaflow.adapters.oidc import OidcProvider

            found[one.key] = OidcProvider(one)
        elif isinstance(one, Cas):
            from qaflow.adapters.cas import CasProvider

            found[one.key] = CasProvider(one)
    return found


def weighing(providers: Sequence[Provider]) -> dict[str, Weighing]:
    """Return the providers that weigh passwords; refuse where the extra that they need is not installed."""
    found: dict[str, Weighing] = {}
    for one in providers:
        if isinstance(one, Ldap):
            try:
                from qaflow.adapters.directory import LdapDirectory
            except ModuleNotFoundError as error:
                told = f"the provider {one.key} needs the extra ldap; type: pip install 'qaflow[ldap]'"
                raise ConfigError("config.signin", told) from error
            found[one.key] = LdapDirectory(one)
    return found
