"""Failures: a broken machine or a bug. A refusal is a value (`remit.core.oauth.verdicts`), never one of these."""


class RemitError(Exception):
    """The machine is broken: whatever was being done is rolled back and answered 500 or 503."""


class StoreUnavailable(RemitError):
    """The database cannot take or give anything now: locked, full, damaged or closing. Nothing was kept."""


class SchemaTooNew(RemitError):
    """A newer Remit has migrated this database; this one must not touch it."""


class SchemaTooOld(RemitError):
    """The database stands at an older migration, and only its owner may bring it to ours."""


class NotOurs(RemitError):
    """The file or database holds something else than a Remit database."""


class BadText(ValueError):
    """A text that not every database can keep: U+0000 or half of a surrogate pair."""
