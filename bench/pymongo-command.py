"""What `bankctl increment branch1 ACC 1` and `bankctl balance branch1 ACC` do, with pymongo."""

import sys
import uuid
from datetime import datetime, timezone

from bson import Decimal128, Int64
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

command, uri, database = sys.argv[1:]
client = MongoClient(uri)
db = client[database]
asked = {"account_number": "ACC", "branch": "branch1"}


def increment(session):
    account = db.branch1.find_one(asked, session=session)
    amount = Decimal128("1.00")
    balance = Decimal128(account["balance"].to_decimal() + amount.to_decimal())
    version = Int64(account["version"] + 1)
    at = datetime.now(timezone.utc)
    db.branch1.update_one(
        {**asked, "version": account["version"]},
        {"$set": {"balance": balance, "version": version, "status": "open", "posted_at": at}},
        session=session,
    )
    posting = {
        "branch": "branch1",
        "account_number": "ACC",
        "amount": amount,
        "balance_after": balance,
        "version": version,
    }
    entry = {"_id": str(uuid.uuid4()), "type": "increment", "at": at, "by": "bench", "request": ""}
    db.journal.insert_one({**entry, "postings": [posting]}, session=session)


if command == "increment":
    with client.start_session() as session:
        session.with_transaction(
            increment,
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority"),
        )
else:
    account = db.get_collection("branch1", read_concern=ReadConcern("majority")).find_one(asked)
    print(account["balance"], account["version"], account["status"])
client.close()
