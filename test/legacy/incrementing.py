"""A plain program of one branch that goes on beside bankctl.

Several threads add amounts, and read what they added to, until standard input ends. Prints one JSON
object: how many increments it made of each account, and the types of the balances that it read.
"""

import argparse
import itertools
import json
import sys
import threading
from collections import Counter
from decimal import Decimal

from bank_account import BankAccount
from mongoengine import connect
from mongoengine.context_managers import switch_collection


def work(model, accounts, amount, stopped, made, types):
    for account in itertools.cycle(accounts):
        if stopped.is_set():
            return
        made[account] += model.objects(account_number=account).update_one(inc__balance=amount)
        types.add(type(model.objects.get(account_number=account).balance).__name__)


def main():
    options = argparse.ArgumentParser()
    for name in ("--uri", "--database", "--collection", "--amount"):
        options.add_argument(name, required=True)
    options.add_argument("--accounts", nargs="+", required=True)
    options.add_argument("--threads", type=int, default=2)
    typed = options.parse_args()
    connect(typed.database, host=typed.uri)
    counts = [Counter() for _ in range(typed.threads)]
    types = set()
    stopped = threading.Event()
    # Switched once, for as long as the program runs: alone in its process, that is safe.
    with switch_collection(BankAccount, typed.collection) as model:
        threads = [
            threading.Thread(
                target=work,
                args=(model, typed.accounts, Decimal(typed.amount), stopped, count, types),
            )
            for count in counts
        ]
        print("ready", file=sys.stderr, flush=True)
        for thread in threads:
            thread.start()
        sys.stdin.read()
        stopped.set()
        for thread in threads:
            thread.join()
    print(json.dumps({"made": sum(counts, Counter()), "types": sorted(types)}))


main()
