"""The model that the legacy programs share, as such companies wrote it."""

from mongoengine import DecimalField, Document, StringField


class BankAccount(Document):
    """One generic account: which branch it belongs to is a matter of where the class points."""

    # `strict: False`: without it, a document with a field that the model does not name, such as
    # those that bankctl adds, cannot be loaded at all (FieldDoesNotExist).
    meta = {"indexes": ["account_number"], "strict": False}

    account_number = StringField(required=True)
    balance = DecimalField(precision=2, default=0)
