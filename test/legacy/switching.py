"""The original code: one generic model that `switch_collection` points at a branch for each call.

Runs a plan of calls on several threads and writes two files: the application's own log, which is
all that a company would have, and the truth, which only this test can know, since it watches the
commands that the driver sends.
"""

import argparse
import csv
import json
import sys
import threading
from datetime import datetime, timezone
from decimal import Decimal

from bank_account import BankAccount
from mongoengine import connect
from mongoengine.connection import get_db
from mongoengine.context_managers import switch_collection
from pymongo import monitoring


class Watcher(monitoring.CommandListener):
    """Remembers the last update that each thread sent: the driver works on the caller's thread."""

    def __init__(self):
        self.of_thread = threading.local()

    def begin(self):
        self.of_thread.collection = None
        self.of_thread.matched = None

    def fate(self):
        return self.of_thread.collection, self.of_thread.matched

    def started(self, event):
        if event.command_name == "update":
            self.of_thread.collection = event.command["update"]

    def succeeded(self, event):
        if event.command_name == "update":
            self.of_thread.matched = event.reply["n"]

    def failed(self, event):
        pass


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def increment(branch, account_number, amount, pause):
    with switch_collection(BankAccount, branch) as NamedAccount:
        if pause:
            # What a request does in between, such as a look at another collection.
            get_db().command("ping")
        return NamedAccount.objects(account_number=account_number).update_one(
            inc__balance=amount
        )


def work(calls, pause, watcher, start, log, truth):
    start.wait()
    for call in calls:
        watcher.begin()
        time = now()
        try:
            modified = increment(
                call["branch"], call["account"], Decimal(call["amount"]), pause
            )
            outcome = "acknowledged"
        except Exception as error:  # The application logs whatever happens, and goes on.
            modified = ""
            outcome = "unknown"
            crash = f"{type(error).__name__}: {error}"
        else:
            crash = None
        log.append({**call, "time": time, "end_time": now(), "outcome": outcome, "modified": modified})
        collection, matched = watcher.fate()
        truth.append(
            {"id": call["id"], "collection": collection, "matched": matched, "crash": crash}
        )


def main():
    options = argparse.ArgumentParser()
    for name in ("--uri", "--database", "--plan", "--log", "--truth"):
        options.add_argument(name, required=True)
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--pause", action="store_true")
    typed = options.parse_args()
    # Threads change places every microsecond, so that a short run sees what a long one would.
    sys.setswitchinterval(1e-6)
    watcher = Watcher()
    connect(typed.database, host=typed.uri, event_listeners=[watcher])
    BankAccount.objects.first()  # A program that is up has asked for something.
    with open(typed.plan, newline="") as file:
        plan = list(csv.DictReader(file))
    start = threading.Barrier(typed.threads)
    logs = [([], []) for _ in range(typed.threads)]
    threads = [
        threading.Thread(
            target=work, args=(plan[n :: typed.threads], typed.pause, watcher, start, *logs[n])
        )
        for n in range(typed.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = sorted((row for log, _ in logs for row in log), key=lambda row: row["time"])
    with open(typed.log, "w", newline="") as file:
        columns = ["id", "branch", "account", "amount", "time", "end_time", "outcome", "modified"]
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with open(typed.truth, "w") as file:
        json.dump([row for _, truth in logs for row in truth], file)


main()
