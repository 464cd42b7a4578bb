"""What MongoEngine models of other kinds make of documents that bankctl has taken over.

Prints one JSON object: for each model, what it read and how many documents its increment matched,
or the name of the error.
"""

import json
import sys

from mongoengine import DecimalField, Document, FloatField, StringField, connect

uri, database, collection, account = sys.argv[1:]
connect(database, host=uri)


class Strict(Document):
    meta = {"collection": collection, "auto_create_index": False}
    account_number = StringField()
    balance = DecimalField(precision=2)


class Lenient(Document):
    meta = {"collection": collection, "auto_create_index": False, "strict": False}
    account_number = StringField()
    balance = DecimalField(precision=2)


class Float(Document):
    meta = {"collection": collection, "auto_create_index": False, "strict": False}
    account_number = StringField()
    balance = FloatField()


class Inherited(Document):
    meta = {
        "collection": collection,
        "auto_create_index": False,
        "strict": False,
        "allow_inheritance": True,
    }
    account_number = StringField()
    balance = DecimalField(precision=2)


def tell(model):
    ours = model.objects(account_number=account)
    matched = ours.update_one(inc__balance=1)
    try:
        found = ours.first()
        read = found and str(found.balance)
    except Exception as error:
        read = type(error).__name__
    return {"matched": matched, "read": read}


print(json.dumps({model.__name__: tell(model) for model in (Strict, Lenient, Float, Inherited)}))
