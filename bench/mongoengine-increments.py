"""Prints how many increments a second MongoEngine makes with so many threads."""

import sys
import threading
import time

from bson import Decimal128, Int64
from mongoengine import Document, StringField, connect
from mongoengine.fields import DynamicField

uri, workers, operations = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connect("bank", host=uri, w="majority", maxPoolSize=workers)
accounts = [f"ACC-{number}" for number in range(1, 5)]


def model(branch):
    """One class for each branch, so that no thread switches it for another."""
    fields = {
        "account_number": StringField(),
        "balance": DynamicField(),
        "version": DynamicField(),
        "meta": {"collection": branch, "strict": False, "auto_create_index": False},
    }
    return type(branch.title(), (Document,), fields)


models = [model("branch1"), model("branch2")]
cent = Decimal128("0.01")


def work(worker, until):
    for index in range(worker, until, workers):
        found = models[index % 2].objects(account_number=accounts[(index >> 1) % 4])
        assert found.update_one(inc__balance=cent, inc__version=Int64(1)) == 1


def run(until):
    threads = [threading.Thread(target=work, args=(worker, until)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


run(workers)
start = time.perf_counter()
run(operations)
print(operations / (time.perf_counter() - start))
